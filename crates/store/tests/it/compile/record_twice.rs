// A permission is good for one event.
pub async fn twice(tx: store::Tx<store::ReadAudit>) {
    let _ = tx.record(store::Event::new(), ()).await;
    let _ = tx.record(store::Event::new(), ()).await; //~ E0382 use of moved value: `tx`
}
