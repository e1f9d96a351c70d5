// After its end a transaction reads nothing more.
async fn read(tx: store::Tx<store::ReadAudit>) {
    tx.record(store::Event::new(), ()).await.unwrap();
    tx.audit_of_practice(&store::AuditFilter::default(), 10).await.unwrap();
}

fn main() {}
