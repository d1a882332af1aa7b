package diagnosis

import (
	"regexp"
	"slices"
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
	record  bool   // a structured log line has it
	aside   bool   // it is of a logging handler's own error
}

var (
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", " ", "\u2029", " ", "\u0085", " ")

	// stamp is the time before a line, and the stream that a container runtime
	// puts after it. A collector's may stand before the program's own.
	stamp = regexp.MustCompile(`^(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?\]? ?(?:std(?:out|err) [FP] )?){1,2}`)
	clock = regexp.MustCompile(`^\d\d:\d\d:\d\d[.,]\d{3} `)

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
	// fields is a log line of key=value pairs.
	fields = regexp.MustCompile(`^(?:(?:time|ts)=\S+ )?(?:level|lvl)=(\w+) .*?\bmsg=(?:"((?:[^"\\]|\\.)*)"|(\S+))(?:.*?\b(?:err|error)=(?:"((?:[^"\\]|\\.)*)"|(\S+)))?`)
)

var levelNames = strings.Split(levels, "|")

const levels = `TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARNING|WARN|ERROR|CRITICAL|FATAL`

// split takes a text apart into lines, without what a collector put before each. A
// structured log line is the lines that it stands for.
func split(text string) []line { return expanded(collected(cleanLines(text))) }

// cleanLines are a text's lines without escape sequences.
func cleanLines(text string) (lines []string) {
	if len(text) > maxText {
		text = text[len(text)-maxText:]
	}
	text = lineEnds.Replace(untrusted.StripEscapes(strings.ToValidUTF8(text, "\uFFFD")))
	for s := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(s, "\n \t"))
	}
	return lines
}

// expanded are lines taken apart.
func expanded(lines []string) (all []line) {
	for _, s := range lines {
		if recorded := records(s, 0); recorded != nil {
			all = append(all, recorded...)
			continue
		}
		if len(all) == 0 { // a text that was cut begins anywhere
			if all = tornRecord(s); all != nil {
				continue
			}
		}
		all = append(all, newLine(s))
	}
	return all
}

func newLine(s string) line {
	s = strings.TrimRight(untrusted.Cut(s, maxLine), " \t")
	l := line{text: withoutStamp(s)}
	stamped := len(l.text) < len(s)
	if stamped {
		l.text = l.text[len(clock.FindString(l.text)):]
	}
	if !hasLevel(l.text) {
		return l
	}
	if name, rest, ok := strings.Cut(l.text, ": "); ok && slices.Contains(levelNames, name) { // the usual form
		l.level, l.message = name, strings.TrimSpace(rest)
		return l
	}
	if m := fields.FindStringSubmatch(l.text); m != nil {
		l.level, l.message = strings.ToUpper(m[1]), strings.TrimSuffix(unquote(m[2])+m[3]+": "+unquote(m[4])+m[5], ": ")
		return l
	}
	if m := logged.FindStringSubmatch(l.text); m != nil && (m[3] == "" || stamped && balanced(l.text[:len(l.text)-len(m[4])])) {
		l.level = strings.ToUpper(m[1] + m[2] + m[3])
		l.message = strings.TrimSpace(m[4][len(origin.FindString(m[4])):])
	}
	return l
}

// balanced reports whether each bracket that is opened is closed.
func balanced(s string) bool { return strings.Count(s, "[") == strings.Count(s, "]") }

// hasLevel reports whether the beginning of a line has the name of a level, which
// is quicker to see than whether it is a log line.
func hasLevel(s string) bool {
	s = strings.ToUpper(s[:min(len(s), 100)])
	return strings.Contains(s, "LEVEL=") || strings.Contains(s, "LVL=") || containsAny(s, levelNames)
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }

// follows returns how much of a line a prefix is that was seen before another, with
// other numbers and another level in it; -1 where it is none. Collectors put their own before each
// line: a service, a time, a process.
func follows(prefix, s string) int {
	i, j := 0, 0
	for i < len(prefix) {
		if x, y := levelAt(prefix[i:]), levelAt(s[j:]); x > 0 && y > 0 && strings.TrimLeft(prefix[i+x:], " ") != "" {
			i, j = len(prefix)-len(strings.TrimLeft(prefix[i+x:], " ")), len(s)-len(strings.TrimLeft(s[j+y:], " "))
			continue
		}
		if !isDigit(prefix[i]) {
			if j == len(s) || s[j] != prefix[i] {
				if strings.TrimRight(prefix[i:], " ") == "" && j == len(s) {
					return j // an empty line behind it
				}
				return -1
			}
			i, j = i+1, j+1
			continue
		}
		before, from := i, j
		for i < len(prefix) && isDigit(prefix[i]) {
			i++
		}
		for j < len(s) && isDigit(s[j]) {
			j++
		}
		if from == j || isInstance(prefix, before, i) && prefix[before:i] != s[from:j] {
			return -1
		}
	}
	return j
}

// isInstance reports whether digits in a prefix number one of several containers or
// processes of a service, as in "bot-1  | ".
func isInstance(prefix string, from, to int) bool {
	return from > 1 && strings.IndexByte("-_.", prefix[from-1]) >= 0 && !isDigit(prefix[from-2]) &&
		strings.HasPrefix(strings.TrimLeft(prefix[to:], " "), "|")
}

// levelAt is the length of the name of a level that a text begins with; 0 for none.
func levelAt(s string) int {
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

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// oneLine is a text as a Cause has it.
func oneLine(s string) string { return untrusted.Cut(singleSpaced(s), maxShown) }

// singleSpaced is a text with one space for each run of spaces and control characters.
func singleSpaced(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
}
