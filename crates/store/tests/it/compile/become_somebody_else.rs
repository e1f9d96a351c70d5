// What a session says can be read and not be changed.
pub fn forge(signed_in: &mut store::SignedIn, other: kernel::PersonId) {
    signed_in.person = other; //~ E0594 cannot assign to data in dereference of `SignedIn`
}
