// A permission is good for one change.
async fn twice(tx: store::Tx<store::SendMail>) {
    tx.commit(store::Event::new(), serde_json::Value::Null).await.unwrap();
    tx.commit(store::Event::new(), serde_json::Value::Null).await.unwrap();
}

fn main() {}
