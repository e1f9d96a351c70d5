// There is no end of a writing transaction without an event.
pub async fn forget(tx: store::Tx<store::SendMail>, outcome: store::Outcome) {
    let _ = tx.commit(outcome).await; //~ E0061 this method takes 2 arguments but 1 argument was supplied
}
