package diagnosis

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

var (
	// A step may print anything: only files of these names are shown.
	instructions = re(`(?i)^(?:docker|container)file|\.(?:docker|container)file$`)
	requirements = re(`(?i)^[^.].*(?:require|constraint|depend|deps|packages|pip)|^(?:require|constraint|depend|deps|packages|pip)`)

	// excerptHead is before BuildKit's excerpt of a Dockerfile, and marked is the line in
	// it that failed.
	excerptHead = re(`^([\w./-]*[\w-]):(\d{1,6})$`)
	marked      = re(`^ {0,8}(\d{1,6}) \| >>> (.*)$`)
	// stepTitle is what BuildKit calls a step: its instruction, on one line. classicTitle
	// is the classic builder's.
	stepTitle    = re(`^#(\d{1,9}) \[[^\]]*\d+/\d+\] (.+)$`)
	classicTitle = re(`^Step \d+/\d+ : (.+)$`)
	stepError    = re(`^#(\d{1,9}) ERROR: `)

	// How pip and uv name a line of a file that lists packages.
	pipLine  = re(`satisfies the requirement (\S+) \(from -r (\S+?\.txt) \(line (\d{1,6})\)\)`)
	pipBad   = re(`Invalid requirement: ['"](.+?)['"]`)
	pipAt    = re(`\(from line (\d{1,6}) of (\S+?\.txt)\)`)
	pipNone  = re(`(?:No matching distribution found for|satisfies the requirement) ([\w.-]+[^\s(]*)`)
	tomlLine = re(`TOML parse error at line (\d{1,6}), column`)
	tomlText = re(`^\s*(\d{1,6}) \| (.+)$`)
)

const (
	maxSpots     = 5   // of each kind
	maxFiles     = 50  // of a name; with more, it is unknown which is meant
	maxContinued = 200 // lines of an instruction
)

// spot is a line of a file that a build's log names.
type spot struct {
	file, text string
	line       int // 0: wherever the text is, if that is one place
}

// buildPlace finds the line of the workspace that a build failed at: in a file that lists
// packages, else in the Dockerfile.
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

// requirementSpots are the lines of files that list packages which a log names.
func requirementSpots(lines []line, cause string) (spots []spot) {
	for i, l := range lines {
		if m := pipLine().FindStringSubmatch(l.text); m != nil {
			spots = append(spots, newSpot(m[2], m[3], m[1]))
		} else if m := pipBad().FindStringSubmatch(l.text); m != nil {
			for _, l := range lines[i:min(i+4, len(lines))] { // the place is on the same line, or below
				if at := pipAt().FindStringSubmatch(l.text); at != nil {
					spots = append(spots, newSpot(at[2], at[1], m[1]))
					break
				}
			}
		} else if m := tomlLine().FindStringSubmatch(l.text); m != nil {
			for _, below := range lines[i+1 : min(i+4, len(lines))] {
				if t := tomlText().FindStringSubmatch(withoutStep(below.text)); t != nil && t[1] == m[1] {
					spots = append(spots, newSpot("pyproject.toml", m[1], t[2]))
				}
			}
		}
		if len(spots) >= maxSpots {
			break
		}
	}
	if m := pipNone().FindStringSubmatch(cause); m != nil {
		spots = append(spots, spot{file: "requirements.txt", text: m[1]})
	}
	return spots
}

// dockerfileSpots are where the builder says that a build failed: by BuildKit's excerpt,
// else by the title of the step.
func dockerfileSpots(lines []line, dockerfile string) (spots []spot) {
	titles := map[string]string{} // by step
	var failed, head string       // the title of the failed step, the file of the excerpt
	for _, l := range lines {
		if len(spots) >= maxSpots {
			break
		}
		if m := excerptHead().FindStringSubmatch(l.text); m != nil {
			head = ""
			if name := path.Base(m[1]); instructions().MatchString(name) || name == path.Base(dockerfile) {
				head = m[1]
			}
		} else if m := marked().FindStringSubmatch(l.text); m != nil && head != "" {
			spots, head = append(spots, newSpot(head, m[1], m[2])), ""
		} else if m := stepTitle().FindStringSubmatch(l.text); m != nil {
			titles[m[1]] = m[2]
		} else if m := stepError().FindStringSubmatch(l.text); m != nil {
			failed = titles[m[1]]
		} else if m := classicTitle().FindStringSubmatch(l.text); m != nil {
			failed = m[1] // the last step is the one that fails
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

func withoutStep(s string) string { return s[len(stepPrefix().FindString(s)):] }

// find searches the files of its name for a spot. It is nil where no line says exactly
// what the spot does, and where lines of several files do.
func (s spot) find(workspace fs.FS, files []string) *Place {
	name := path.Base(s.file)
	mayShow := name[0] != '.' && (path.Ext(name) != ".txt" || requirements().MatchString(name))
	if !mayShow || len(files) > maxFiles || len(s.text) < minShown || !letter().MatchString(s.text) {
		return nil
	}
	var found *Place
	for _, file := range files {
		lines := readSource(workspace, file)
		at := s.line
		if at == 0 {
			at = onlyLine(1, len(lines), func(n int) bool { return says(lines, n, s.text) })
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

// says reports whether a line is a text, or begins an instruction over several lines that
// is the text, as a builder shows it: on one line and without comments.
func says(lines []string, at int, text string) bool {
	s := strings.TrimSpace(lines[at-1])
	if s == text {
		return true
	}
	if word, _, _ := strings.Cut(s, " "); !strings.HasPrefix(text, strings.TrimSuffix(word, `\`)) {
		return false
	}
	var whole strings.Builder
	for _, s := range lines[at-1 : min(len(lines), at-1+maxContinued)] {
		s = strings.TrimSpace(s)
		if whole.Len() > 0 && strings.HasPrefix(s, "#") {
			continue
		}
		s, continues := strings.CutSuffix(s, `\`)
		whole.WriteString(s + " ")
		if !continues {
			return slices.Equal(strings.Fields(whole.String()), strings.Fields(text))
		}
		if whole.Len() > len(text)*4+maxLine {
			return false
		}
	}
	return false
}
