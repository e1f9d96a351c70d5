// The macro takes a text that stands in the source, and nothing else.
pub fn make(text: &'static str) -> store::Sql {
    store::sql!(text) //~ - no rules expected `text`
}
