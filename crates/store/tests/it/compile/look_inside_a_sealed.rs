// Without a key there is no way in, and no way to print or serialise it.
fn look(sealed: store::Sealed<String>) -> String {
    let _ = format!("{sealed:?}");
    sealed.value
}

fn main() {}
