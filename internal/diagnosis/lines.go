package diagnosis

import (
	"slices"
	"strings"
	"unicode"

	"pipecat-cloud-deploy/internal/untrusted"
)

const (
	maxText  = 256 << 10 // bytes of a text, the last ones
	maxLine  = 4 << 10   // bytes of a line in it
	maxShown = 500       // bytes of a line in a Diagnosis
)

// line is a line of what was printed.
type line struct {
	text    string // without its time
	level   string // of a log line, in capitals; "" for any other
	message string // what a log line says, without level, logger and place
	record  bool   // it is of a structured log line
	aside   bool   // it is of a logging handler's own error
}

var (
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", " ", "\u2029", " ", "\u0085", " ")

	// stamp is the time before a line, with the stream that a container runtime puts
	// after it; a log collector's may be before the program's. clock is a time alone
	// between the two.
	stamp = re(`^(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?\]? ?(?:std(?:out|err) [FP] )?){1,2}`)
	clock = re(`^\d\d:\d\d:\d\d[.,]\d{3} `)

	// logged is a log line of Python's logging, loguru, uvicorn or structlog, once
	// its time is gone: "INFO:     text", "WARNING:root:text", "[error ] text",
	// "| ERROR    | bot:main:12 - text", "- bot - ERROR - text".
	logged = re(`^(?:` +
		`(` + levels + `)(?::(?:[\w.]+:)?|\s+\|| -|\s|$)` +
		`|(?:\[\d+\] )?\W{0,3}\[((?i:` + levels + `))\s*\]:?` +
		`|[\s|\-:,\[(]*(?:[\w.<>]+[\s|\-\])]+){0,2}(` + levels + `)\b[\s|\-\]):]*` +
		`)\s*(.*)$`)
	// origin is where loguru says that a log line is from, and the base image's
	// session.
	origin = re(`^[\w.<>]+:[\w.<>]+:\d+(?: \| [\w-]+)? - `)
	// keyValue is a log line of key=value pairs.
	keyValue = re(`^(?:(?:time|ts)=\S+ )?(?:level|lvl)=(\w+) .*?\bmsg=(?:"((?:[^"\\]|\\.)*)"|(\S+))(?:.*?\b(?:err|error)=(?:"((?:[^"\\]|\\.)*)"|(\S+)))?`)
)

var levelNames = strings.Split(levels, "|")

const levels = `TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARNING|WARN|ERROR|CRITICAL|FATAL`

// split splits a text into lines, without what a log collector put before each. A
// structured log line is expanded into the lines that it stands for.
func split(text string) []line { return expanded(withoutCollector(cleanLines(text)), 0) }

// cleanLines are the lines of a text's end without escape sequences.
func cleanLines(text string) (lines []string) {
	text = text[max(0, len(text)-maxText):]
	text = lineEnds.Replace(untrusted.StripEscapes(strings.ToValidUTF8(text, "\uFFFD")))
	for s := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(s, "\n \t"))
	}
	return lines
}

// expanded are lines, with each structured log line replaced by those that it stands
// for. nested is how many records the lines are within.
func expanded(lines []string, nested int) (all []line) {
	for _, s := range lines {
		inner := records(s, nested)
		if inner == nil && len(all) == 0 && nested <= 1 { // a text that was cut begins anywhere
			inner = truncatedRecord(s)
		}
		if inner == nil {
			inner = []line{newLine(s)}
		}
		all = append(all, inner...)
	}
	return all
}

// newLine reads a line that is no structured log line.
func newLine(s string) line {
	s = strings.TrimRight(untrusted.Cut(s, maxLine), " \t")
	l := line{text: withoutStamp(s)}
	stamped := len(l.text) < len(s)
	if stamped {
		l.text = l.text[len(clock().FindString(l.text)):]
	}
	if !hasLevel(l.text) {
		return l
	}
	if name, rest, ok := strings.Cut(l.text, ": "); ok && slices.Contains(levelNames, name) { // the usual form
		l.level, l.message = name, strings.TrimSpace(rest)
		return l
	}
	if m := keyValue().FindStringSubmatch(l.text); m != nil {
		l.level, l.message = strings.ToUpper(m[1]), strings.TrimSuffix(unquote(m[2])+m[3]+": "+unquote(m[4])+m[5], ": ")
		return l
	}
	if m := logged().FindStringSubmatch(l.text); m != nil && (m[3] == "" || stamped && balanced(l.text[:len(l.text)-len(m[4])])) {
		l.level = strings.ToUpper(m[1] + m[2] + m[3])
		l.message = strings.TrimSpace(m[4][len(origin().FindString(m[4])):])
	}
	return l
}

// balanced reports whether each bracket that is opened is closed.
func balanced(s string) bool { return strings.Count(s, "[") == strings.Count(s, "]") }

// hasLevel reports whether the beginning of a line has the name of a level. It is
// quicker than the patterns of log lines, and rules most lines out.
func hasLevel(s string) bool {
	s = strings.ToUpper(s[:min(len(s), 100)])
	return strings.Contains(s, "LEVEL=") || strings.Contains(s, "LVL=") || containsAny(s, levelNames)
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

// prefixLen is the length of a line's prefix that equals a prefix seen before, except
// for numbers and the level in it; -1 where there is none. Log collectors put a service, a
// time or a process before each line.
func prefixLen(prefix, s string) int {
	rest := s
	for p := prefix; p != ""; {
		before := prefix[:len(prefix)-len(p)]
		level, digits := levelLen(p), digitsLen(p)
		switch {
		case level > 0 && levelLen(rest) > 0 && strings.TrimLeft(p[level:], " ") != "":
			p, rest = strings.TrimLeft(p[level:], " "), strings.TrimLeft(rest[levelLen(rest):], " ")
		case digits > 0:
			n := digitsLen(rest)
			if n == 0 || isInstance(before, p[digits:]) && p[:digits] != rest[:n] {
				return -1
			}
			p, rest = p[digits:], rest[n:]
		case rest != "" && rest[0] == p[0]:
			p, rest = p[1:], rest[1:]
		case rest == "" && strings.TrimRight(p, " ") == "":
			return len(s) // nothing is behind the prefix, so that its spaces were trimmed
		default:
			return -1
		}
	}
	return len(s) - len(rest)
}

// isInstance reports whether the digits between two parts of a prefix number one of
// several containers or processes of a service, as in "bot-1  | ".
func isInstance(before, after string) bool {
	n := len(before)
	return n > 1 && strings.IndexByte("-_.", before[n-1]) >= 0 && !isDigit(before[n-2]) &&
		strings.HasPrefix(strings.TrimLeft(after, " "), "|")
}

// levelLen is the length of the level's name that a text begins with; 0 for none.
func levelLen(s string) int {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return 0
	}
	for _, name := range levelNames {
		if strings.HasPrefix(s, name) {
			return len(name)
		}
	}
	return 0
}

// digitsLen is how many digits a text begins with.
func digitsLen(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// oneLine is a text as a Cause has it.
func oneLine(s string) string { return untrusted.Cut(singleSpaced(s), maxShown) }

// singleSpaced is a text with one space for each run of spaces and control characters.
func singleSpaced(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
}
