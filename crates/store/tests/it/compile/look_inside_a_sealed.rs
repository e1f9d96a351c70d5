// Without a key there is no way in.
pub fn look(sealed: store::Sealed<String>) -> String {
    sealed.value //~ E0616 field `value` of struct `Sealed` is private
}
