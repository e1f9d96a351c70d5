// A permission is good for one event.
async fn twice(tx: store::Tx<store::ReadAudit>) {
    tx.record(store::Event::new(), ()).await.unwrap();
    tx.record(store::Event::new(), ()).await.unwrap();
}

fn main() {}
