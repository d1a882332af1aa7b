package diagnosis

import (
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

var (
	// A step may print what it likes: only files of these names are shown.
	instructions = regexp.MustCompile(`(?i)^(?:docker|container)file|\.(?:docker|container)file$`)
	requirements = regexp.MustCompile(`(?i)^[^.].*(?:require|constraint|depend|deps|packages|pip)|^(?:require|constraint|depend|deps|packages|pip)`)

	// excerptHead is before BuildKit's excerpt of a Dockerfile, and marked is a line in
	// it that failed.
	excerptHead = regexp.MustCompile(`^([\w./-]*[\w-]):(\d{1,6})$`)
	marked      = regexp.MustCompile(`^ {0,8}(\d{1,6}) \| >>> (.*)$`)
	// stepTitle is what BuildKit calls a step: its instruction, on one line.
	stepTitle = regexp.MustCompile(`^#(\d{1,9}) \[[^\]]*\d+/\d+\] (.+)$`)
	// stepOld is the title of the classic builder's.
	stepOld   = regexp.MustCompile(`^Step \d+/\d+ : (.+)$`)
	stepError = regexp.MustCompile(`^#(\d{1,9}) ERROR: `)

	// Where a text names a line of a file with requirements.
	pipLine  = regexp.MustCompile(`satisfies the requirement (\S+) \(from -r (\S+?\.txt) \(line (\d{1,6})\)\)`)
	pipBad   = regexp.MustCompile(`Invalid requirement: ['"](.+?)['"]`)
	pipAt    = regexp.MustCompile(`\(from line (\d{1,6}) of (\S+?\.txt)\)`)
	pipNone  = regexp.MustCompile(`(?:No matching distribution found for|satisfies the requirement) ([\w.-]+[^\s(]*)`)
	tomlLine = regexp.MustCompile(`TOML parse error at line (\d{1,6}), column`)
	tomlText = regexp.MustCompile(`^\s*(\d{1,6}) \| (.+)$`)
)

const (
	maxSpots = 5  // of each kind, that are looked for
	maxFiles = 50 // of a name; more are too many to tell which is meant
)

// spot is a line that a build's text speaks of.
type spot struct {
	file, text string
	line       int // 0: wherever the text is, if that is one place
}

// buildPlace finds the line of the workspace that a build failed at: in what lists
// the packages where the cause names one, else in the Dockerfile.
func buildPlace(lines []line, cause, dockerfile string, workspace fs.FS) *Place {
	spots := append(requirementSpots(lines, cause), dockerfileSpots(lines, dockerfile)...)
	var names []string
	for _, s := range spots {
		names = append(names, path.Base(s.file))
	}
	files := findFiles(workspace, names...)
	for _, s := range spots {
		if p := s.find(workspace, files[path.Base(s.file)]); p != nil {
			return p
		}
	}
	return nil
}

// requirementSpots are lines of files that list packages, as the text names them.
func requirementSpots(lines []line, cause string) (spots []spot) {
	for i, l := range lines {
		s := withoutStep(l.text)
		if m := pipLine.FindStringSubmatch(s); m != nil {
			spots = append(spots, newSpot(m[2], m[3], m[1]))
		} else if m := pipBad.FindStringSubmatch(s); m != nil {
			for _, l := range lines[i:min(i+4, len(lines))] { // where is on the same line, or below
				if at := pipAt.FindStringSubmatch(l.text); at != nil {
					spots = append(spots, newSpot(at[2], at[1], m[1]))
					break
				}
			}
		} else if m := tomlLine.FindStringSubmatch(s); m != nil {
			for _, below := range lines[i+1 : min(i+4, len(lines))] {
				if t := tomlText.FindStringSubmatch(withoutStep(below.text)); t != nil && t[1] == m[1] {
					spots = append(spots, newSpot("pyproject.toml", m[1], t[2]))
				}
			}
		}
		if len(spots) == maxSpots {
			break
		}
	}
	if m := pipNone.FindStringSubmatch(cause); m != nil {
		spots = append(spots, spot{file: "requirements.txt", text: m[1]})
	}
	return spots
}

// dockerfileSpots are where BuildKit says that a build failed: by its excerpt, else
// by the title of the step.
func dockerfileSpots(lines []line, dockerfile string) (spots []spot) {
	titles, failed, head := map[string]string{}, "", ""
	for _, l := range lines {
		if len(spots) == maxSpots {
			break
		}
		if m := excerptHead.FindStringSubmatch(l.text); m != nil {
			if head = ""; instructions.MatchString(path.Base(m[1])) || path.Base(m[1]) == path.Base(dockerfile) {
				head = m[1]
			}
		} else if m := marked.FindStringSubmatch(l.text); m != nil && head != "" {
			spots, head = append(spots, newSpot(head, m[1], m[2])), ""
		} else if m := stepTitle.FindStringSubmatch(l.text); m != nil {
			titles[m[1]] = m[2]
		} else if m := stepError.FindStringSubmatch(l.text); m != nil {
			failed = titles[m[1]]
		} else if m := stepOld.FindStringSubmatch(l.text); m != nil {
			failed = m[1] // which is the last where it fails
		}
	}
	if len(spots) == 0 && failed != "" {
		spots = append(spots, spot{file: dockerfile, text: failed})
	}
	return spots
}

func newSpot(file, line, text string) spot {
	n, _ := strconv.Atoi(line)
	return spot{file: path.Clean(file), line: n, text: strings.TrimSpace(text)}
}

func withoutStep(s string) string { return s[len(ofStep.FindString(s)):] }

// find looks for a spot in files of the workspace that have its name. It is nil where the line does not say what
// the text has, whole, or where there is more than one such place.
func (s spot) find(workspace fs.FS, files []string) *Place {
	if len(files) > maxFiles || strings.HasSuffix(s.file, ".txt") && !requirements.MatchString(path.Base(s.file)) || path.Base(s.file)[0] == '.' || len(s.text) < minShown || !letter.MatchString(s.text) {
		return nil
	}
	var found *Place
	for _, file := range files {
		lines := readSource(workspace, file)
		at := s.line
		if at == 0 {
			at = only(lines, s.text)
		}
		if at < 1 || at > len(lines) || !says(lines, at, s.text) {
			continue
		}
		if found != nil {
			return nil
		}
		found = newPlace(file, lines, at)
	}
	return found
}

// only is the one line that says a text, or 0.
func only(lines []string, text string) (at int) {
	for n := 1; n <= len(lines); n++ {
		if says(lines, n, text) {
			if at > 0 {
				return 0
			}
			at = n
		}
	}
	return at
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return strings.TrimSuffix(word, `\`)
}

// says reports whether a line is a text, or the first of an instruction over several
// that is, as a builder shows it on one.
func says(lines []string, at int, text string) bool {
	s := strings.TrimSpace(lines[at-1])
	if s == text {
		return true
	}
	if !strings.HasPrefix(text, firstWord(s)) {
		return false
	}
	var b strings.Builder
	for n := at; n <= len(lines) && n < at+200 && strings.HasSuffix(s, `\`); n++ {
		b.WriteString(strings.TrimSuffix(s, `\`) + " ")
		if b.Len() > len(text)*4+maxLine || n == len(lines) {
			return false
		}
		for s = strings.TrimSpace(lines[n]); strings.HasPrefix(s, "#") && n+1 < len(lines); s = strings.TrimSpace(lines[n]) {
			n++
		}
	}
	b.WriteString(s)
	return strings.Join(strings.Fields(b.String()), " ") == strings.Join(strings.Fields(text), " ")
}
