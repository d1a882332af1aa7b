package diagnosis

import (
	"regexp"
	"strings"
	"unicode"

	"pipecat-cloud-deploy/internal/untrusted"
)

const (
	maxText  = 256 << 10 // of a crash; its end is what counts
	maxLine  = 4 << 10   // of a line in it
	maxShown = 500       // of a line that is handed on
)

// line is one of a crash's text, taken apart.
type line struct {
	text    string // without its time
	level   string // of a log line, in capitals; "" for any other
	message string // what a log line says, without level, logger and place
}

var (
	ends = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", " ", "\u2029", " ", "\u0085", " ")

	// stamp is the time before a line, and the stream that a container runtime
	// puts after it.
	stamp = regexp.MustCompile(`^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]? ?(?:std(?:out|err) [FP] )?`)

	// logged is a log line of Python's logging, loguru, uvicorn or structlog, once
	// its time is gone: "INFO:     text", "WARNING:root:text", "[error ] text",
	// "| ERROR    | bot:main:12 - text", "- bot - ERROR - text".
	logged = regexp.MustCompile(`^(?:` +
		`(` + levels + `)(?::(?:[\w.]+:)?|\s+\|| -|\s|$)` +
		`|\W{0,3}\[((?i:` + levels + `))\s*\]:?` +
		`|[\s|\-:,\[(]*(?:[\w.<>]+[\s|\-\])]+){0,2}(` + levels + `)\b[\s|\-\]):]*` +
		`)\s*(.*)$`)
	// origin is where loguru says that a log line is from, and the base image's
	// session.
	origin = regexp.MustCompile(`^[\w.<>]+:[\w.<>]+:\d+(?: \| [\w-]+)? - `)
)

const levels = `TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARNING|WARN|ERROR|CRITICAL|FATAL`

// split takes a text apart into lines.
func split(text string) []line {
	if len(text) > maxText {
		text = text[len(text)-maxText:]
	}
	text = ends.Replace(untrusted.StripEscapes(strings.ToValidUTF8(text, "\uFFFD")))
	var all []line
	for s := range strings.Lines(text) {
		all = append(all, newLine(strings.TrimRight(s, "\n")))
	}
	return all
}

func newLine(s string) line {
	s = strings.TrimRight(untrusted.Cut(s, maxLine), " \t")
	l := line{text: s[len(stamp.FindString(s)):]}
	stamped := len(l.text) < len(s)
	if m := logged.FindStringSubmatch(l.text); m != nil && (m[3] == "" || stamped) {
		l.level = strings.ToUpper(m[1] + m[2] + m[3])
		l.message = strings.TrimSpace(m[4][len(origin.FindString(m[4])):])
	}
	return l
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

var (
	// noise does not name a cause: what a server says as it goes, a frame of a
	// traceback, lines that are drawn.
	noise = regexp.MustCompile(`^(?:Application startup failed\. Exiting\.|Shutting down|Waiting for .*|` +
		`Application shutdown complete\.?|Finished server process.*|Stopping reloader process.*|Stopping bot session.*|` +
		`Exception in ASGI application|Traceback \(most recent call last\):?|\[Previous line repeated .*|` +
		`During handling of the above exception.*|The above exception was the direct cause.*|\[…? ?.*cut out.*\]|` +
		`(?:> )?File ".*|[│└╭╰|+].*|[\d\W_]*)$`)
	// grave is a line that is likely to say why.
	grave = regexp.MustCompile(`(?i)error|exception|fatal|fail|cannot|can't|could not|unable|denied|refused|unauthori[sz]ed|` +
		`not found|no such|missing|invalid|illegal|killed|segmentation fault|aborted|already in use|required|panic`)
)

// telling returns the last line that seems to say why, else the last that is no
// log line of mere information, else the last that is not noise.
func telling(lines []line) string {
	var some, any string
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		s := strings.TrimSpace(l.text)
		if l.level != "" {
			s = l.message
		}
		if s = strings.Join(strings.FieldsFunc(s, unprintable), " "); s == "" {
			continue
		}
		switch {
		case l.level == "ERROR" || l.level == "CRITICAL" || l.level == "FATAL" || l.level == "" && grave.MatchString(s):
			if !noise.MatchString(s) {
				return s
			}
		case some == "" && !noise.MatchString(s) && (l.level == "" || strings.HasPrefix(l.level, "WARN")):
			some = s
		}
		if any == "" && !noise.MatchString(s) {
			any = s
		}
	}
	if some != "" {
		return some
	}
	return any
}

func unprintable(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }
