// Between an actor and a transaction stands the question.
async fn open(store: &store::Store, actor: &store::Actor) -> store::Tx<store::ReadAudit> {
    store.enter(actor).await.unwrap()
}

fn main() {}
