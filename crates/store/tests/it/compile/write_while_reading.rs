// A reading permission changes nothing.
pub async fn change(mut tx: store::Tx<store::ReadAudit>, row: store::OutboxRow) {
    let _ = tx.remove(&row).await; //~ E0599 the method `remove` exists for struct `Tx<ReadAudit>`, but its trait bounds were not satisfied
}
