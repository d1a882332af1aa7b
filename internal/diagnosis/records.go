package diagnosis

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/untrusted"
)

const (
	maxRecord = 64 << 10 // bytes of a structured log line that is decoded
	maxNested = 3        // records in the text of records, as log collectors put them there
)

// The names of a record's fields in the usual loggers: Python's with python-json-logger,
// loguru and structlog, zap, zerolog, pino, ECS, Docker, GCP.
var (
	levelFields   = []string{"levelname", "level", "severity", "lvl", "log.level", "level_name", "severity_text", "severityText"}
	messageFields = []string{"text", "message", "msg", "event", "log", "textPayload", "body", "stringValue"}
	causeFields   = []string{"error", "err", "exc", "reason", "cause"}
	traceFields   = []string{"exc_info", "exception", "exc_text", "traceback", "stack_trace", "stacktrace", "stackTrace", "stack", "error.stack_trace", "error.stack", "exception.stacktrace"}
	payloadFields = []string{"jsonPayload", "body", "log", "attributes"} // a record within a collector's
	errorFields   = []string{"error", "err", "exception"}                // an object for the error
)

// records returns the lines that a structured log line stands for; nil for any other
// line, and for one within too many records.
func records(s string, nested int) []line {
	if len(s) > maxRecord || nested > maxNested {
		return nil
	}
	at := strings.IndexByte(s, '{')
	var fields map[string]any
	if at >= 0 && strings.HasSuffix(s, "}") && json.Unmarshal([]byte(s[at:]), &fields) == nil {
		if r := newRecord(fields); r.isWhole(s[:at], fields) {
			return r.lines(nested)
		}
		return nil
	}
	if pairs := pairsOf(s); pairs != nil {
		return newRecord(pairs).lines(nested)
	}
	hasFrame := at >= 0 && containsAny(s, []string{`File \"`, `File "`})
	if !strings.Contains(s, `\n`) || !hasFrame && !strings.Contains(s, header) {
		return nil
	}
	if from := strings.Index(s, header+`:\n`); from >= 0 && inRepr().MatchString(s[from:]) {
		return fragment(unquote(strings.TrimRight(s[from:], `'"`)), nested)
	}
	return tracebackIn(s, nested)
}

// inRepr is a traceback in a text's repr of Python: its line ends are escaped, and its
// quotes are not.
var inRepr = re(`^[^"]{0,60}\\n +File "`)

// isWhole reports whether a record is all that a line has, but for the prefix of a log
// collector. A message, too, may end with an object, such as a service's response.
func (r record) isWhole(before string, fields map[string]any) bool {
	if before = strings.TrimSpace(withoutStamp(before)); before == "" {
		return true
	}
	l := newLine(before)
	if l.level != "" && l.message != "" || exceptionType(l.text) != "" {
		return false
	}
	_, collected := fields["log"]
	return r.level != "" || r.trace != "" || collected
}

// pairsOf are the fields of a log line of key=value pairs that has a level, a message
// and a traceback; nil for any other.
func pairsOf(s string) map[string]any {
	if !strings.Contains(s, header) || !strings.Contains(s, "level=") {
		return nil
	}
	pairs := map[string]any{}
	for _, m := range pair().FindAllStringSubmatch(s, 100) {
		pairs[m[1]] = unquote(m[2]) + m[3]
	}
	if textOf(pairs, traceFields) == "" {
		return nil
	}
	return pairs
}

var pair = re(`(?:^|\s)([\w.]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))`)

// truncatedRecord is records for a line that is the end of one.
func truncatedRecord(s string) []line {
	if len(s) > maxRecord || !strings.HasSuffix(s, "}") || !strings.Contains(s, `\n`) {
		return nil
	}
	if strings.Contains(s, `File \"`) || strings.Contains(s, header) {
		return tracebackIn(s, 0)
	}
	if first := quoted(s)[0]; strings.Contains(first, `\", line `) { // it is cut within the only entry
		return fragment(unquote(first), 0)
	}
	return nil
}

// tracebackIn reads the text with a traceback in a record whose beginning or end is cut
// off.
func tracebackIn(s string, nested int) []line {
	var text string
	for _, part := range quoted(s) {
		if strings.Contains(part, header) || text == "" && strings.Contains(part, `File \"`) {
			text = part
		}
	}
	if text == "" {
		return nil
	}
	return fragment(unquote(text), nested)
}

// quoted splits a text at the quotes that are not escaped.
func quoted(s string) (parts []string) {
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			parts, from = append(parts, s[from:i]), i+1
		}
	}
	return append(parts, s[min(from, len(s)):])
}

// unquote undoes the escapes of a text, either end of which may be missing.
func unquote(s string) string {
	var text string
	if json.Unmarshal([]byte(`"`+s+`"`), &text) == nil {
		return text
	}
	return escapes.Replace(s)
}

var escapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "", `\t`, "\t", `\"`, `"`, `\'`, "'")

// record is what a structured log line says. What it does not have is "".
type record struct {
	level, message, cause, trace string
	raw                          bool // the message is a line as it was printed, whatever the level
}

func newRecord(fields map[string]any) record {
	r := record{level: levelOf(fields), message: textOf(fields, messageFields), cause: textOf(fields, causeFields), trace: textOf(fields, traceFields)}
	_, r.raw = fields["textPayload"].(string)
	if !strings.Contains(r.trace, "\n") {
		for _, name := range []string{"exception", "exc_info"} {
			r.trace = cmp.Or(structured(fields[name]), r.trace)
		}
	}
	for _, name := range payloadFields {
		if within, ok := fields[name].(map[string]any); ok {
			inner := newRecord(within)
			r.level, r.message = cmp.Or(r.level, inner.level), cmp.Or(r.message, inner.message)
			r.cause, r.trace = cmp.Or(r.cause, inner.cause), cmp.Or(r.trace, inner.trace)
		}
	}
	if within, ok := fields["record"].(map[string]any); ok { // loguru's, whose text has the traceback already
		inner := newRecord(within)
		r.level, r.message = cmp.Or(r.level, inner.level), cmp.Or(r.message, inner.message)
	}
	for _, name := range errorFields {
		within, ok := fields[name].(map[string]any)
		if !ok {
			continue
		}
		inner := newRecord(within)
		r.level = cmp.Or(r.level, inner.level)
		typ, _ := within["type"].(string)
		if r.trace == "" && inner.trace != "" {
			r.trace = inner.trace
			if !strings.Contains(r.trace, header) && typ != "" { // ECS has the frames alone
				r.trace = header + ":\n" + strings.TrimRight(r.trace, "\n") + "\n" + strings.TrimSuffix(typ+": "+inner.message, ": ")
			}
		}
		if r.cause == "" && inner.message != "" {
			r.cause = strings.TrimPrefix(typ+": "+inner.message, ": ")
		}
	}
	return r
}

// lines are what a plain logger would have printed of the record; nil for nothing.
func (r record) lines(nested int) []line {
	if r.message == "" && r.trace == "" && r.cause == "" {
		if r.raw {
			return []line{{}}
		}
		return nil
	}
	if r.raw || r.level == "" && r.trace == "" && r.cause == "" { // a collector's envelope
		said := strings.TrimSuffix(r.message, "\n")
		if inner := records(said, nested+1); inner != nil {
			return inner
		}
		return fragment(said, nested)
	}
	first, rest, _ := strings.Cut(r.message, "\n")
	l := newLine(first)
	l.record = true
	if l.level == "" {
		l.level, l.message = cmp.Or(r.level, "INFO"), strings.TrimSpace(l.text)
	}
	if !strings.Contains(r.message, r.cause) && !strings.Contains(r.trace, r.cause) {
		l.message = strings.TrimPrefix(l.message+": "+oneLine(r.cause), ": ")
	}
	all := append([]line{l}, fragment(rest, nested)...)
	if !strings.Contains(r.message, r.trace) {
		all = append(all, fragment(r.trace, nested)...)
	}
	return all
}

// fragment reads the lines of a text within a record.
func fragment(text string, nested int) []line {
	var lines []string
	for s := range strings.Lines(lineEnds.Replace(untrusted.StripEscapes(text))) {
		lines = append(lines, strings.TrimRight(s, "\n"))
	}
	return expanded(lines, nested+1)
}

// textOf is the first text in some fields, which one may also have as a list of lines.
func textOf(fields map[string]any, names []string) string {
	for _, name := range names {
		switch v := fields[name].(type) {
		case string:
			if strings.TrimSpace(v) != "" {
				return v
			}
		case []any:
			var text strings.Builder
			for _, l := range v {
				s, ok := l.(string)
				if !ok {
					break
				}
				text.WriteString(strings.TrimSuffix(s, "\n") + "\n")
			}
			if text.Len() > 0 {
				return text.String()
			}
		}
	}
	return ""
}

// levelOf is a record's level in capitals. Some loggers have a number, or an object with
// its name.
func levelOf(fields map[string]any) string {
	for _, name := range levelFields {
		switch v := fields[name].(type) {
		case string:
			return strings.ToUpper(v)
		case float64: // pino's and bunyan's, where 50 is an error
			if v >= 50 {
				return "ERROR"
			}
			return "INFO"
		case map[string]any:
			if s, ok := v["name"].(string); ok {
				return strings.ToUpper(s)
			}
		}
	}
	return ""
}

// structured is a traceback as Python prints it, of one that structlog took apart; "" for
// anything else.
func structured(v any) string {
	chain, ok := v.([]any)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, v := range slices.Backward(chain) { // the last that was raised comes first
		e, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		b.WriteString(header + ":\n")
		frames, _ := e["frames"].([]any)
		for _, f := range frames {
			frame, _ := f.(map[string]any)
			n, _ := frame["lineno"].(float64)
			fmt.Fprintf(&b, "  File \"%v\", line %d, in %v\n", frame["filename"], int(n), frame["name"])
			if s, _ := frame["line"].(string); s != "" {
				b.WriteString("    " + s + "\n")
			}
		}
		typ, _ := e["exc_type"].(string)
		value, _ := e["exc_value"].(string)
		b.WriteString(strings.TrimSuffix(typ+": "+value, ": ") + "\n\n")
	}
	return b.String()
}
