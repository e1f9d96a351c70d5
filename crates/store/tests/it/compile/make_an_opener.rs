// Keys are handed out after the event is durable; nobody else makes an opener.
pub fn make(practice: kernel::PracticeId) -> store::Opener {
    store::Opener { practice, keys: Default::default() } //~ E0451 fields `practice` and `keys` of struct `Opener` are private
}
