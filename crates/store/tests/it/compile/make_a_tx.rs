// A transaction is not a value that one can write down.
pub fn make(desk: store::Tx<store::ReadAudit>) -> store::Tx<store::ReadAudit> {
    store::Tx { allowed: std::marker::PhantomData, ..desk } //~ E0451 fields `desk` and `allowed` of struct `Tx` are private
}
