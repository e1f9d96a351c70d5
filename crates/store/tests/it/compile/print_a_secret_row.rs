// What is sealed is not printed by accident.
pub fn print(secret: &kernel::Secret<String>) -> String {
    format!("{secret}") //~ E0277 `Secret<String>` doesn't implement `std::fmt::Display`
}
