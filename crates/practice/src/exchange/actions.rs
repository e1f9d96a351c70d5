//! What can be done here, by the names that the policies and the audit use.

use crate::patients::actions::ReadDirectory;

store::actions! {
    /// See imports, and the mappings that were used.
    pub ReadImports = "import.read", reads;
    /// Take back what one import added.
    pub UndoImport = "import.undo", writes;
    /// Send files to be brought in, and say how they are to be read.
    pub SendUpload = "import.send", writes;
    /// See the first lines of what was sent.
    pub PreviewUpload = "import.preview", reads;
    /// What the page of an upload shows: imports, and who works here.
    pub UploadPage = "import.page", reads, all of [ReadImports, ReadDirectory];
    /// Have what was sent tried or brought in, pause that, go on, end it.
    pub AskImport = "import.ask", writes;
    /// Have an import taken back.
    pub AskUndo = "import.ask-undo", writes;
    /// Read what was sent: the job's own act.
    pub GatherUpload = "import.gather", reads;
    /// Note how far an import is, and put away what was sent: the job's own act.
    pub KeepUpload = "import.keep", writes;
}
