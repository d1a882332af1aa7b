package diagnosis

import (
	"slices"
	"strings"
)

var (
	// noise is a line that names no cause: what servers, supervisors and interpreters
	// print as a process ends, parts of a traceback, lines that are drawn or blank.
	noise = re(`^(?:Application startup failed\. Exiting\.|Shutting down|Waiting for .*|Waiting up to .*|` +
		`Application shutdown complete\.?|Finished server process.*|Stopping reloader process.*|Stopping bot session.*|` +
		`Exception in ASGI application|Shutting down: Master|Reason: (?:App failed to load|Worker failed to boot)\.|Worker \(pid:\d+\) exited with code \d+\.?|` +
		`Retrying in 1 second\.|Can't connect to \('.*|` +
		`Traceback \(most recent call last\):?|\[Previous line repeated .*|` +
		`During handling of the above exception.*|The above exception was the direct cause.*|\[…? ?.*cut out.*\]|` +
		`Press (?:Ctrl|CTRL)[-+ ]?C .*|Sentry is attempting .*|Received SIG\w+.*|` +
		`(?:\d{4}-\S+ \S+ )?(?:WARN|INFO|CRIT)? ?(?:exited: |gave up: |spawned: |stopped: |waiting for |reaped ).*|` +
		`\S+ exited with code \d+|Node\.js v\d\S*|Unclosed client session|Unclosed connector|client_session: .*|connector: .*|connections: .*|` +
		`Task was destroyed but it is pending!|task: <.*|future: <.*|handle: <.*|.*\bResourceWarning: .*|.*resource_tracker: .*|` +
		`.*(?:User|Deprecation|Future|Runtime|PendingDeprecation|Syntax)Warning: .*|` +
		`npm (?:ERR!|error)(?: A complete log.*| \S+\.log| To see a list of .*| npm .*)?|.*--- End of logging error ---|.*--- Logging error.*|` +
		`Record was: .*|\S+: line \d+: \x60.*'|Call stack:|Message: .*|Arguments: .*|goroutine \d+ \[.*|\s*at \S+ \(.*|exit status \d+|` +
		`(?:> )?File ".*|[│└╭╰|+].*|[\d\W_]*)$`)
)

// errorWords are in lines that are likely to say why, in lower case.
var errorWords = []string{"error", "exception", "fatal", "fail", "cannot", "can't", "could not", "couldn't", "unable", "denied", "refused",
	"unauthorized", "unauthorised", "not found", "no such", "missing", "invalid", "illegal", "killed", "segmentation fault", "aborted",
	"already in use", "required", "bad substitution", "not in gzip", "*** no ", "is not unique", "unexpected operator", "is not a git command", "what():", "panic", "exit with ", "exited with ", "exits with ", "not permitted", "syntax", "unsupported",
	"no module named", "does not exist", "not allowed", "no compatible", "usage: ", "unbound variable", "not set", "not defined", "undefined", "bad interpreter", "out of memory", "must be "}

var bad = newWords(errorWords...)

// shellError is before what a shell says of a line of a script.
var shellError = re(`^\S+: line \d+: `)

// soundsBad reports whether a line is likely to say why.
func soundsBad(s string) bool {
	return bad.in(strings.ToLower(s)) || strings.Contains(s, ": line ") && shellError().MatchString(s)
}

func containsAny(s string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(s, word) })
}

func inBox(s string) bool { return strings.HasPrefix(s, "│ ") && strings.HasSuffix(s, "│") }

// inErrorBox reports whether the box of the line below, drawn by rich, is of an error.
func inErrorBox(above []line) bool {
	for _, l := range slices.Backward(above[max(0, len(above)-10):]) {
		if s := strings.TrimSpace(l.text); !inBox(s) {
			return strings.HasPrefix(s, "╭─ Error")
		}
	}
	return false
}

// lastTelling returns the last line that is likely to say why, else the last that is
// neither noise nor mere information in a log; "" for none. The parser has marked the
// lines.
func lastTelling(lines []line) (text string, sure Confidence) {
	for i, l := range slices.Backward(lines) {
		if l.aside {
			continue
		}
		s := strings.TrimSpace(l.text)
		boxed := false
		if l.level != "" {
			s = l.message
		} else if inBox(s) && inErrorBox(lines[:i]) {
			s, boxed = strings.TrimSpace(strings.Trim(s, "│")), true
		}
		s = strings.TrimPrefix(s, "Exception running bot(): ") // as the platform's base image begins
		s = strings.TrimPrefix(s, "[dumb-init] ")
		if before, why, ok := strings.Cut(s, "─▶ "); ok && len(before) <= len("├") { // uv's
			s = why
		}
		isBad := boxed || slices.Contains(errorLevels, l.level) || l.level == "" && soundsBad(s) || strings.Contains(l.text, "spawnerr: ")
		weak := text == "" && (l.level == "" || strings.HasPrefix(l.level, "WARN"))
		if !isBad && !weak {
			continue
		}
		if s = singleSpaced(s); noise().MatchString(s) {
			continue
		}
		if isBad {
			return withEffect(lines[:i], s), Likely
		}
		text, sure = s, Possible
	}
	return text, sure
}

// withEffect is a line, with the error before it of which it is the cause, as programs
// in Rust print the two. Of a process that is aborted, C++ says why above.
func withEffect(above []line, s string) string {
	if strings.HasPrefix(s, "Aborted") {
		for _, l := range slices.Backward(above[max(0, len(above)-5):]) {
			if why := strings.TrimSpace(l.text); strings.HasPrefix(why, "what(): ") {
				return singleSpaced(why)
			}
		}
	}
	if !strings.HasPrefix(s, "Caused by: ") {
		return s
	}
	for _, l := range slices.Backward(above[max(0, len(above)-5):]) {
		if effect := strings.TrimSpace(l.text); strings.HasPrefix(effect, "error: ") {
			return singleSpaced(effect) + " " + s
		} else if !strings.HasPrefix(effect, "Caused by: ") {
			break
		}
	}
	return s
}

var errorLevels = []string{"ERROR", "CRITICAL", "FATAL", "PANIC"}
