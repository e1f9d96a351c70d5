// Between an actor and a transaction stands the question.
pub async fn open(store: &store::Store, actor: &store::Actor) -> store::Tx<store::ReadAudit> {
    store.enter(actor).await.unwrap() //~ E0308 mismatched types
}
