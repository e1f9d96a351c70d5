// What a session says comes from its row: it cannot be made up.
pub fn forge(facts: store::SessionFacts) -> store::SignedIn {
    store::SignedIn { facts } //~ E0451 field `facts` of struct `SignedIn` is private
}
