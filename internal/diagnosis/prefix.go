package diagnosis

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

var (
	// collectors are the prefixes that log collectors put before each line, behind its
	// time. The group is the name of what printed it.
	collectors = []*regexp.Regexp{
		regexp.MustCompile(`^(?:\d\d:\d\d:\d\d )?(?:\d+\|)?([A-Za-z][\w.-]*(?: stdout| stderr)?) +\| ?`),        // compose, honcho, pm2, supervisord
		regexp.MustCompile(`^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?(?:[\w.-]+ )?([\w./-]+\[[\w./-]+\]): ?`), // journald, syslog, heroku
		regexp.MustCompile(`^\[([\w-]+(?:[./][\w./-]+)?)\] ?`),                                                  // kubectl, concurrently
		regexp.MustCompile(`^([\w-]+\[\w+\]) [a-z]+ \[\w+\] ?`),                                                 // fly
		regexp.MustCompile(`^<\d{1,3}>1 \S+ \S+ (\S+) \S+ \S+ - ?`),                                             // RFC 5424
		regexp.MustCompile(`^[EWIF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ (\w)\S*:\d+\] ?`),                             // klog
	}
)

const (
	maxPrefix  = 200 // bytes of a prefix
	maxStreams = 8   // programs that lines are separated by
	fewOthers  = 10  // one line in so many may have no prefix
)

// withoutCollector are the lines of a text without the prefix that a log collector put
// before each: one of collectors, else what is before a traceback where the other lines
// have it, too. Lines of several programs are grouped by program, the one whose exception
// is last at the end.
func withoutCollector(lines []string) []string {
	for _, form := range collectors {
		if mostHave(form, lines) {
			if all := byProgram(form, lines); all != nil {
				return all
			}
		}
	}
	for _, s := range lines {
		before := beforeHeader(s)
		if strings.TrimSpace(before) == "" || strings.ContainsAny(before, `{"`) {
			continue
		}
		if kept := strings.TrimRight(before, " "); len(before)-len(kept) > 1 {
			before = kept + " "
		}
		return withoutPrefix(before, lines)
	}
	return lines
}

// mostHave reports whether nearly all lines have a prefix of a form. It does not read
// all of them where the first ones have none.
func mostHave(form *regexp.Regexp, lines []string) bool {
	others, some := 0, 0
	for i, s := range lines {
		if s == "" {
			continue
		}
		some++
		if m := form.FindStringSubmatch(beginning(s)); m == nil || slices.Contains(levelNames, strings.ToUpper(m[1])) {
			if others++; others > 1+i/fewOthers {
				return false
			}
		}
	}
	return some > others && others <= some/fewOthers+1 && (some > 1 || others == 0)
}

// byProgram are the lines without the form's prefix, grouped by the program that it
// names; nil for too many programs. A line without a prefix belongs to the one that was
// seen first last.
func byProgram(form *regexp.Regexp, lines []string) []string {
	type stream struct {
		lines     []string
		name      string
		exception int // the last line that has one; -1 for none
		end       int // the last line
	}
	var streams []*stream
	for i, s := range lines {
		name := ""
		if m := form.FindStringSubmatch(beginning(s)); m != nil {
			name, s = m[1], withoutStamp(s)[len(m[0]):]
		} else if len(streams) > 0 {
			name = streams[len(streams)-1].name
		}
		at := slices.IndexFunc(streams, func(o *stream) bool { return o.name == name })
		if at < 0 {
			if at = len(streams); at == maxStreams {
				return nil
			}
			streams = append(streams, &stream{name: name, exception: -1})
		}
		o := streams[at]
		o.lines, o.end = append(o.lines, s), i
		if exceptionType(s) != "" || strings.Contains(s, header) {
			o.exception = i
		}
	}
	if len(streams) > 1 && len(streams) > len(lines)/2 {
		return nil // what differs from line to line is no name
	}
	slices.SortFunc(streams, func(a, b *stream) int {
		return cmp.Or(cmp.Compare(a.exception, b.exception), cmp.Compare(a.end, b.end))
	})
	var all []string
	for _, o := range streams {
		all = append(all, o.lines...)
	}
	return all
}

// withoutPrefix are lines without a prefix, where nearly all have it.
func withoutPrefix(prefix string, lines []string) []string {
	all := make([]string, len(lines))
	others := 0
	for i, s := range lines {
		n := prefixLen(prefix, s)
		if n < 0 {
			n = 0
			if s != "" {
				others++
			}
		}
		all[i] = s[n:]
	}
	if others > len(lines)/fewOthers+1 {
		return lines
	}
	return all
}

// beginning is the part of a line that can have a prefix.
func beginning(s string) string {
	s = withoutStamp(s)
	return s[:min(len(s), maxPrefix)]
}

func withoutStamp(s string) string {
	if s != "" && (isDigit(s[0]) || s[0] == '[') {
		return s[len(stamp().FindString(s)):]
	}
	return s
}
