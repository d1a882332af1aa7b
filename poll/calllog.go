package poll

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// entry is how a line of the platform's base image begins: its time, its level, the line
// of code and perhaps the session. Its message follows.
var entry = regexp.MustCompile(head + `[^|]+?(?:\| [^|]+?)? - (.*)$`)

const head = `^[\d-]+[ T][\d:.,]+ ?(?:Z|[+-]\d\d:?\d\d)? \| ([A-Z]+) +\| `

// reportedError is the message of a line that reports an error, as a text or as JSON; ""
// for any other. What callers say is in lines of other levels.
func reportedError(line string) string {
	level, message := serialized(line)
	if m := entry.FindStringSubmatch(line); m != nil {
		level, message = m[1], m[2]
	}
	if level != "ERROR" && level != "CRITICAL" {
		return ""
	}
	return message
}

// serialized is what a line of the same logger has that is written as JSON; "" for any
// other line.
//
// https://loguru.readthedocs.io/en/stable/api/logger.html
func serialized(line string) (level, message string) {
	var is struct {
		Record struct {
			Level   struct{ Name string }
			Message string
		}
	}
	if strings.HasPrefix(line, "{") {
		_ = json.Unmarshal([]byte(line), &is)
	}
	return is.Record.Level.Name, is.Record.Message
}

// raised is the message of the platform's base image for an exception that left bot().
// The session itself ends as if nothing had happened.
//
// https://docs.pipecat.ai/pipecat-cloud/fundamentals/logging
var raised = regexp.MustCompile(`^Exception running bot\(\): ?(.*)`)

// lastLine is in the last line that the base image writes of a session.
const lastLine = " - Stopping bot session with metadata"

// unhandled is the line of the server of the framework's development runner, and of images
// that are not built on the platform's, for an exception that left bot(). A traceback
// follows it.
var unhandled = regexp.MustCompile(`^ERROR: +Exception in ASGI application$`)

// broken are messages for a session that bot() never gets, and for a pipeline that cannot
// start or go on.
var broken = regexp.MustCompile(`^(?:.*\W)?((?:Error joining |A fatal error occurred: |Refusing websocket session|timeout waiting for .* to reach the end of the pipeline|` + unheard + `).*)`)

// unheard is a session whose bot() waited for an offer that never came: the caller's
// fault, or the network's.
const unheard = "Timeout waiting for WebRTC connection: "

// judgeLog looks for what broke in a session's log. Its Answer is "" where it has
// nothing of the kind, which does not mean that nothing broke.
func judgeLog(lines []string) (found CallVerdict) {
	for _, line := range lines {
		line = strings.TrimRight(untrusted.StripEscapes(line), "\r\n")
		message := reportedError(line)
		if m := raised.FindStringSubmatch(message); m != nil {
			return CallVerdict{verdict.NoAnswer, verdict.CallRaised, false, m[1]}
		}
		m := broken.FindStringSubmatch(message)
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

// infoLevels are those of lines that report no error.
var infoLevels = []string{"TRACE", "DEBUG", "INFO", "SUCCESS"}

// info is how such a line begins.
var info = regexp.MustCompile(strings.Replace(head, "[A-Z]+", strings.Join(infoLevels, "|"), 1))

// withoutInfo leaves out the lines of a log that report no error.
func withoutInfo(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		level, _ := serialized(line)
		return slices.Contains(infoLevels, level) || info.MatchString(untrusted.StripEscapes(line))
	})
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
