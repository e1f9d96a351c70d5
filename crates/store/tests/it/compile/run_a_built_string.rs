// A statement is a constant of the program.
pub async fn run(tx: store::Tx<store::ReadAudit>, text: String) {
    let _ = tx.ids(&text, &[]).await; //~ E0308 mismatched types
}
