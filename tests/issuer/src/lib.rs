//! A strict OpenID4VCI issuer for tests. It shares no code with billfold.
