// Text that came from outside is no statement.
pub fn make(text: String) -> store::Sql {
    store::Sql::new(&text) //~ E0597 `text` does not live long enough
}
