// After its end a transaction reads nothing more.
pub async fn read(tx: store::Tx<store::ReadAudit>) {
    let _ = tx.record(store::Event::new(), ()).await;
    let _ = tx.audit_of_practice(&store::AuditFilter::default(), 10).await; //~ E0382 borrow of moved value: `tx`
}
