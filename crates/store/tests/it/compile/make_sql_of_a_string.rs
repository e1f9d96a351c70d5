// Text that came from outside is no statement.
fn make(text: String) -> store::Sql {
    let _ = store::sql!(text);
    store::Sql::new(&text)
}

fn main() {}
