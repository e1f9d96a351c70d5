// A function says which permission it needs; another will not do.
pub async fn read(tx: store::Tx<store::ReadPatientAudit>) {
    let _ = tx.audit_of_practice(&store::AuditFilter::default(), 10).await; //~ E0599 the method `audit_of_practice` exists for struct `Tx<ReadPatientAudit>`, but its trait bounds were not satisfied
}
