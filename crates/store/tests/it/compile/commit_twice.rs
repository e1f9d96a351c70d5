// A permission is good for one change.
pub async fn twice(tx: store::Tx<store::SendMail>, outcome: store::Outcome) {
    let _ = tx.commit(store::Event::new(), outcome.clone()).await;
    let _ = tx.commit(store::Event::new(), outcome).await; //~ E0382 use of moved value: `tx`
}
