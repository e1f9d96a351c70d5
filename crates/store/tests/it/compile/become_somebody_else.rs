// What a session says can be read and not be changed.
fn forge(mut signed_in: store::SignedIn, other: kernel::PersonId) -> store::SignedIn {
    signed_in.person = other;
    signed_in
}

fn main() {}
