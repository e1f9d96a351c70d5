// The doors used as they are meant: this one compiles, so that the others fail for what they say.
pub async fn read(store: &store::Store, actor: &store::Actor) -> Result<(), store::StoreError> {
    let tx: store::Tx<store::ReadAudit> = store.enter(actor).await?.ask(store::Resource::Practice).await?;
    let _rows = tx.audit_of_practice(&store::AuditFilter::default(), 10).await?;
    tx.record(store::Event::new(), ()).await
}

pub fn place(actor: &store::Actor) -> kernel::PracticeId {
    actor.practice()
}

pub async fn write(tx: store::Tx<store::SendMail>, outcome: store::Outcome) -> Result<(), store::StoreError> {
    tx.commit(store::Event::new(), outcome).await.map(drop)
}
