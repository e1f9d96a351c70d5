//! What is done in this room, by its names in the audit. The house's own actions are decided here
//! (there is no member yet whom a policy could speak of); the team's are asked of the policies.

store::actions! {
    /// A browser has signed in: both factors proved.
    pub SignIn = "person.sign-in", house;
    /// The password was proved; the second factor is still to come.
    pub ProvePassword = "person.password-proved", house;
    /// A password or code was wrong.
    pub RefuseSignIn = "person.sign-in-refused", house;
    /// A person has signed out.
    pub SignOut = "person.sign-out", house;
    /// A person has proved both factors once more, before something weighty.
    pub ProveAgain = "session.prove", house;
    /// A person has ended others of their sessions.
    pub EndSessions = "session.end", house;
    /// A browser has gone to another practice of its person.
    pub SwitchPractice = "session.switch", house;
    /// The answer to a step was lost, and the browser was given another token for the same thing.
    pub ReissueToken = "session.reissue", house;
    /// A person has looked at their own account.
    pub ReadAccount = "account.read", house;
    /// A person has chosen another password.
    pub ChangePassword = "person.password-change", house;
    /// Somebody has asked for a mail with which a password can be chosen.
    pub AskReset = "person.password-reset-ask", house;
    /// A password was chosen by such a mail.
    pub UseReset = "person.password-reset", house;
    /// An administrator has started that somebody sets up their second factor anew; their other practices hold them.
    pub OpenFactorReset = "person.factor-reset-open", house;
    /// The link of such a mail was opened with the password.
    pub UseFactorReset = "person.factor-reset", house;
    /// A practice lets somebody in again whose second factor was reset elsewhere.
    pub LetIn = "door.let-in", house;
    /// A new second factor was shown, to be confirmed.
    pub OfferTotp = "person.totp-offer", house;
    /// A new second factor was confirmed.
    pub EnrolTotp = "person.totp-enrol", house;
    /// A passkey was added.
    pub EnrolPasskey = "person.passkey-enrol", house;
    /// A passkey was given another name.
    pub RenamePasskey = "person.passkey-rename", house;
    /// A passkey was taken away.
    pub RemovePasskey = "person.passkey-remove", house;
    /// New recovery codes were made.
    pub RenewCodes = "person.recovery-renew", house;
    /// A practice was founded.
    pub FoundPractice = "practice.found", house;
    /// The host has looked at the list of practices.
    pub ListPractices = "practice.list", house;
    /// A person was made by the host, with everything that is needed to sign in.
    pub FoundPerson = "person.found", house;
    /// The host has suspended a person: every door is shut.
    pub SuspendPerson = "person.suspend", house;
    /// The host has let a suspended person in again.
    pub RestorePerson = "person.restore", house;
    /// The host has invited somebody.
    pub HostInvite = "team.invite", house;
    /// The host has looked at a practice's team.
    pub HostReadTeam = "team.read", house;
    /// Somebody has opened the link of an invitation.
    pub ReadInvitation = "invitation.read", house;
    /// Somebody has joined a practice.
    pub JoinTeam = "team.join", house;
    /// A removed member's door was taken away, and their browsers have left the practice.
    pub CloseDoor = "door.close", house;
}

store::actions! {
    /// See who is on the team and who is invited.
    pub ReadTeam = "team.read", reads;
    /// Invite somebody.
    pub Invite = "team.invite", writes;
    /// Make somebody an owner by inviting them.
    pub InviteOwner = "team.invite-owner", writes;
    /// Invite somebody as an owner.
    pub InviteAsOwner = "team.invite", writes, all of [Invite, InviteOwner];
    /// Take an invitation back.
    pub Uninvite = "team.invite-revoke", writes, all of [Invite];
    /// Take an owner's invitation back.
    pub UninviteOwner = "team.invite-revoke", writes, all of [Invite, InviteOwner];
    /// Change somebody's roles.
    pub ChangeRoles = "team.roles", writes;
    /// Make a member an owner.
    pub GrantOwner = "team.grant-owner", writes;
    /// Change somebody's roles to those of an owner.
    pub ChangeRolesToOwner = "team.roles", writes, all of [ChangeRoles, GrantOwner];
    /// Remove somebody from the team.
    pub RemoveMember = "team.remove", writes;
    /// Start that somebody sets up their second factor anew.
    pub BeginFactorReset = "team.reset-factors", writes;
    /// Let somebody in again whose second factor was reset elsewhere.
    pub AgreeToReset = "team.agree-reset", writes;
    /// Say whether the practice lets its people in by passkeys alone.
    pub SetSignInRule = "team.sign-in-rule", writes;
    /// Be asked that.
    pub SignInRuleForm = "team.sign-in-rule-form", reads, all of [SetSignInRule];
}
