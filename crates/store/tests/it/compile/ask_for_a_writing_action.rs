// What changes something is asked for with a key, so that it happens once.
pub async fn ask(threshold: store::Threshold) {
    let _ = threshold.ask::<store::SendMail>(store::Resource::Practice).await; //~ E0277 the trait bound `SendMail: Reads` is not satisfied
}
