// An actor is minted by the store alone, from a session or a job that it has read.
pub fn forge(practice: kernel::PracticeId) -> store::Actor {
    store::Actor { kind: store::ActorKind::Visitor, practice, source: kernel::Source::Host } //~ E0451 fields `kind`, `practice` and `source` of struct `Actor` are private
}
