// A reading permission changes nothing.
async fn change(mut tx: store::Tx<store::ReadAudit>, row: store::OutboxRow) {
    tx.remove(&row).await.unwrap();
}

fn main() {}
