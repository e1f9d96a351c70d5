// What a session says comes from its row: it cannot be made up.
fn forge(facts: store::SessionFacts) -> store::SignedIn {
    store::SignedIn { facts }
}

fn main() {}
