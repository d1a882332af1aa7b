package poll

import (
	"regexp"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// prefix is how a line of an error begins: its time, its level, the line of code and
// perhaps the session. What callers say is in lines of other levels.
const prefix = `^[\d-]+[ T][\d:.,]+ \| (?:ERROR|CRITICAL) +\| [^|]+?(?:\| [^|]+?)? - `

// raised is the line of the platform's base image for an exception that left bot().
// The session itself ends as if nothing had happened.
//
// https://docs.pipecat.ai/pipecat-cloud/fundamentals/logging
var raised = regexp.MustCompile(prefix + `Exception running bot\(\): ?(.*)$`)

// lastLine is in the last line that the base image writes of a session.
const lastLine = " - Stopping bot session with metadata"

// unhandled is the line of the server of the framework's development runner, and of images
// that are not built on the platform's, for an exception that left bot(). A traceback
// follows it.
var unhandled = regexp.MustCompile(`^ERROR: +Exception in ASGI application$`)

// broken are lines of the framework for a pipeline that cannot go on.
var broken = regexp.MustCompile(prefix + `(?:.*\W)?((?:Error joining |A fatal error occurred: |` + unheard + `).*)$`)

// unheard is a session whose bot() waited for an offer that never came: the caller's
// fault, or the network's.
const unheard = "Timeout waiting for WebRTC connection: "

// judgeLog looks for what broke in a session's log. Its Answer is "" where it has
// nothing of the kind, which does not mean that nothing broke.
func judgeLog(lines []string) (found CallVerdict) {
	for _, line := range lines {
		line = strings.TrimRight(untrusted.StripEscapes(line), "\r\n")
		if m := raised.FindStringSubmatch(line); m != nil {
			return CallVerdict{verdict.NoAnswer, verdict.CallRaised, false, m[1]}
		}
		m := broken.FindStringSubmatch(line)
		switch {
		case unhandled.MatchString(line) && found.Answer == "":
			found = CallVerdict{verdict.NoAnswer, verdict.CallRaised, false, ""}
		case m == nil || found.Answer != "":
		case strings.HasPrefix(m[1], unheard):
			found = CallVerdict{verdict.Unproven, verdict.CallNoMedia, false, m[1]}
		default:
			found = CallVerdict{verdict.NoAnswer, verdict.CallRaised, false, m[1]}
		}
	}
	return found
}

// info is how a line begins that reports no error.
var info = regexp.MustCompile(`^[\d-]+[ T][\d:.,]+ \| (?:TRACE|DEBUG|INFO|SUCCESS) +\|`)

// withoutInfo leaves out the lines of a log that report no error.
func withoutInfo(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return info.MatchString(untrusted.StripEscapes(line)) })
}

// reported is what an agent says about its failure, in its log or to its caller.
func reported(e CallEvidence) string {
	if v := judgeLog(e.Log); v.Said != "" {
		return v.Said
	}
	if len(e.Call.Errors) > 0 {
		return e.Call.Errors[0]
	}
	return ""
}
