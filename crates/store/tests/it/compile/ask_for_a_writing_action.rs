// What changes something is asked for with a key, so that it happens once.
async fn ask(threshold: store::Threshold) {
    threshold.ask::<store::SendMail>(store::Resource::Practice).await.unwrap();
}

fn main() {}
