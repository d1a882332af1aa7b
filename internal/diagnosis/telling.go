package diagnosis

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// noise does not name a cause: what a server says as it goes, a supervisor of
	// what it saw, an interpreter as it exits, a frame of a traceback, lines that
	// are drawn.
	noise = regexp.MustCompile(`^(?:Application startup failed\. Exiting\.|Shutting down|Waiting for .*|Waiting up to .*|` +
		`Application shutdown complete\.?|Finished server process.*|Stopping reloader process.*|Stopping bot session.*|` +
		`Exception in ASGI application|Traceback \(most recent call last\):?|\[Previous line repeated .*|` +
		`During handling of the above exception.*|The above exception was the direct cause.*|\[…? ?.*cut out.*\]|` +
		`Press (?:Ctrl|CTRL)[-+ ]?C .*|Sentry is attempting .*|Received SIG\w+.*|` +
		`(?:\d{4}-\S+ \S+ )?(?:WARN|INFO|CRIT)? ?(?:exited: |gave up: |spawned: |stopped: |waiting for |reaped ).*|` +
		`\S+ exited with code \d+|Node\.js v\d\S*|Unclosed client session|Unclosed connector|client_session: .*|connector: .*|connections: .*|` +
		`Task was destroyed but it is pending!|task: <.*|future: <.*|handle: <.*|.*\bResourceWarning: .*|.*resource_tracker: .*|` +
		`.*(?:User|Deprecation|Future|Runtime|PendingDeprecation|Syntax)Warning: .*|ResourceWarning: .*|` +
		`npm (?:ERR!|error)(?: A complete log.*| \S+\.log| To see a list of .*| npm .*)?|.*--- End of logging error ---|.*--- Logging error.*|` +
		`Record was: .*|Call stack:|Message: .*|Arguments: .*|goroutine \d+ \[.*|\s*at \S+ \(.*|exit status \d+|` +
		`(?:> )?File ".*|[│└╭╰|+].*|[\d\W_]*)$`)
)

// grave are words of a line that is likely to say why, in lower case.
var grave = []string{"error", "exception", "fatal", "fail", "cannot", "can't", "could not", "couldn't", "unable", "denied", "refused",
	"unauthorized", "unauthorised", "not found", "no such", "missing", "invalid", "illegal", "killed", "segmentation fault", "aborted",
	"already in use", "required", "what():", "panic", "exit with ", "exited with ", "exits with ", "not permitted", "syntax", "unsupported",
	"no module named", "usage: ", "unbound variable", "not set", "not defined", "undefined", "bad interpreter", "out of memory", "must be "}

// shellError is before what a shell says of a line of a script.
var shellError = regexp.MustCompile(`^\S+: line \d+: `)

func isGrave(s string) bool {
	if strings.Contains(s, ": line ") && shellError.MatchString(s) {
		return true
	}
	s = strings.ToLower(s)
	return slices.ContainsFunc(grave, func(word string) bool { return strings.Contains(s, word) })
}

func inBox(s string) bool { return strings.HasPrefix(s, "│ ") && strings.HasSuffix(s, "│") }

// boxed reports whether the box that a line is in, drawn by rich, is of an error.
func boxed(above []line) bool {
	for i := len(above) - 1; i >= max(0, len(above)-10); i-- {
		if s := strings.TrimSpace(above[i].text); !inBox(s) {
			return strings.HasPrefix(s, "╭─ Error")
		}
	}
	return false
}

// said is a line that may say why, and how surely it does.
type said struct {
	text string
	sure Confidence
}

// telling returns the last line that seems to say why, else the last that is no
// log line of mere information and no noise. The parser has seen the lines.
func telling(lines []line) (last said) {
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		if l.aside {
			continue
		}
		s := strings.TrimSpace(l.text)
		if l.level != "" {
			s = l.message
		} else if inBox(s) && boxed(lines[:i]) {
			s = strings.TrimSpace(strings.Trim(s, "│"))
		}
		s = strings.TrimPrefix(s, "Exception running bot(): ") // as the platform's base image begins
		bad := l.level == "ERROR" || l.level == "CRITICAL" || l.level == "FATAL" || l.level == "PANIC" || l.level == "" && isGrave(s)
		some := last.text == "" && (l.level == "" || strings.HasPrefix(l.level, "WARN"))
		if !bad && !some {
			continue
		}
		if s = strings.Join(strings.FieldsFunc(s, unprintable), " "); s == "" || noise.MatchString(s) {
			continue
		}
		if bad {
			return said{s, Likely}
		}
		last = said{s, Weak}
	}
	return last
}
