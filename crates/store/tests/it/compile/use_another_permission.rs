// A function says which permission it needs; another will not do.
async fn read(tx: store::Tx<store::ReadPatientAudit>) {
    tx.audit_of_practice(&store::AuditFilter::default(), 10).await.unwrap();
}

fn main() {}
