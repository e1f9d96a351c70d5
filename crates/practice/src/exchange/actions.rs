//! What can be done here, by the names that the policies and the audit use.

store::actions! {
    /// See imports, and the mappings that were used.
    pub ReadImports = "import.read", reads;
    /// Take back what one import added.
    pub UndoImport = "import.undo", writes;
}
