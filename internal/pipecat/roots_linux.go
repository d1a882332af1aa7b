package pipecat

// The certificate authorities that are trusted where the system has none, as in the
// action's image. Other systems always have theirs.
import _ "golang.org/x/crypto/x509roots/fallback"
