package diagnosis

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/untrusted"
)

const (
	maxFrames  = 200     // looked at, from the innermost
	maxEntries = 100_000 // of the workspace
	maxDepth   = 40      // of its folders
	maxSource  = 2 << 20 // of a file
	nearby     = 50      // lines that a line may have moved by
	around     = 3       // lines shown on each side
	minShown   = 8       // bytes of a line that is looked for, and whose surroundings are shown
)

var (
	// library is code that is not the user's: Python's own, what was installed,
	// what has no file.
	// sourceFile is a file that may be shown.
	sourceFile = regexp.MustCompile(`(?:^|/)[^./][^/]*\.(?:py|[mc]?[jt]s|[jt]sx)$`)
	library    = regexp.MustCompile(`/(?:site|dist)-packages/|/lib(?:64)?/python\d|/python\d+\.zip/|(?i:/python3\d+/lib/)|` +
		`/\.?venv/|/node_modules/|^node:|^/usr/(?:local/)?s?bin/|^<`)
	// base are the files of Pipecat's base image, https://github.com/daily-co/pipecat-cloud-images.
	base   = regexp.MustCompile(`^/app/(?:app|waiting_server|pipecatcloud_system|feature_manager|shared_state|container_signal_check|pcc_\w+)\.py$`)
	drive  = regexp.MustCompile(`^[A-Za-z]:[\\/]|^\\\\`)
	within = regexp.MustCompile(`^\s*(?:async\s+)?(def|class)\s+([\pL_][\pL\d_]*)`)
	word   = regexp.MustCompile(`[\pL\d_]{2}`)
	letter = regexp.MustCompile(`\pL`)
)

// place finds the innermost frame that is the user's own, in the workspace. It
// is nil when there is any doubt.
func place(frames []frame, workspace fs.FS) *Place {
	var own []frame // from the innermost
	names := map[string]bool{}
	for i := len(frames) - 1; i >= max(0, len(frames)-maxFrames); i-- {
		f := frames[i]
		if drive.MatchString(f.file) {
			f.file = strings.ReplaceAll(f.file, `\`, "/")
		}
		// A text that is hostile may name any file, and guess a line of it: what is
		// no source, such as .env, is not shown.
		if f.file = path.Clean(f.file); sourceFile.MatchString(f.file) && !library.MatchString(f.file) {
			own = append(own, f)
			names[path.Base(f.file)] = true
		}
	}
	if len(own) == 0 {
		return nil
	}
	files, err := look(workspace, names)
	if err != nil {
		return nil
	}
	for _, f := range own {
		file, n := longest(f.file, files[path.Base(f.file)])
		if n == 0 {
			continue // not of this workspace
		}
		foreign := base.MatchString(f.file)
		if n == 1 && f.text != "" {
			if lines, err := source(workspace, file); err == nil {
				if at := find(lines, f, !foreign); at > 0 {
					return newPlace(file, lines, at)
				}
			}
		}
		if !foreign {
			return nil
		}
	}
	return nil
}

// newPlace is a line that a text has shown. The lines around it are shown only
// where the text has enough of it that it is no guess.
func newPlace(file string, lines []string, at int) *Place {
	p := &Place{File: file, Line: at}
	if s := strings.TrimSpace(lines[at-1]); len(s) >= minShown && letter.MatchString(s) {
		p.Around = window(lines, at)
	}
	return p
}

var errTooLarge = errors.New("too large")

// look returns the regular files of the workspace that have one of the names,
// by name. What is no source of the user's, or may hold secrets, is left out.
func look(workspace fs.FS, names map[string]bool) (map[string][]string, error) {
	files := map[string][]string{}
	entries := 0
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		f, err := workspace.Open(dir)
		if err != nil {
			return nil // nothing to be found in there
		}
		defer f.Close()
		folder, ok := f.(fs.ReadDirFile)
		if !ok {
			return nil
		}
		var folders, found []string
		for {
			list, err := folder.ReadDir(1000)
			for _, e := range list {
				if entries++; entries > maxEntries {
					return errTooLarge
				}
				switch name := e.Name(); {
				case buildcontext.IsSecret(name): // whatever names it
				case e.IsDir() && !skipped(name):
					folders = append(folders, path.Join(dir, name))
				case name == "pyvenv.cfg" && dir != ".":
					return nil // a virtual environment
				case e.Type().IsRegular() && names[name]:
					found = append(found, path.Join(dir, name))
				}
			}
			if err != nil || len(list) == 0 {
				break
			}
		}
		for _, file := range found {
			files[path.Base(file)] = append(files[path.Base(file)], file)
		}
		if len(folders) > 0 && depth == maxDepth {
			return errTooLarge
		}
		for _, sub := range folders {
			if err := walk(sub, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return files, walk(".", 0)
}

func skipped(name string) bool {
	switch name {
	case ".git", ".hg", ".svn", "node_modules", "venv", ".venv", ".tox", ".nox", "__pycache__", "site-packages", "dist-packages":
		return true
	}
	return false
}

// longest returns the file that shares the longest end with a path, and how
// many share as much.
func longest(name string, files []string) (file string, n int) {
	most := 0
	for _, f := range files {
		switch m := common(name, f); {
		case m > most:
			file, n, most = f, 1, m
		case m == most:
			n++
		}
	}
	return file, n
}

// common counts the elements that two paths share at their ends.
func common(a, b string) (n int) {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for n < len(x) && n < len(y) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}

// source reads a file as Python does: line ends of any kind, and no mark at the
// beginning. What is not UTF-8 is taken for Latin-1.
func source(workspace fs.FS, file string) ([]string, error) {
	f, err := workspace.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSource {
		return nil, errTooLarge
	}
	text := string(data)
	if !utf8.ValidString(text) {
		runes := make([]rune, len(data))
		for i, c := range data {
			runes[i] = rune(c)
		}
		text = string(runes)
	}
	text = strings.TrimPrefix(text, "\ufeff")
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n"), nil
}

// find returns the number of the line that says what the frame says: at its
// place, or else the only one nearby that does, in the same function. 0 for
// none.
func find(lines []string, f frame, moved bool) int {
	says := func(n int) bool { return n >= 1 && n <= len(lines) && strings.TrimSpace(lines[n-1]) == f.text }
	if says(f.line) {
		return f.line
	}
	if !moved || len(f.text) < minShown || !word.MatchString(f.text) {
		return 0
	}
	at := 0
	for n := f.line - nearby; n <= f.line+nearby; n++ {
		if says(n) {
			if at > 0 {
				return 0
			}
			at = n
		}
	}
	in := f.in[strings.LastIndexByte(f.in, '.')+1:]
	if at > 0 && in != "" && (in == "<module>" || in[0] != '<') && function(lines, at) != in {
		return 0
	}
	return at
}

// function names what a line is in as a traceback does: the function or class,
// or <module>.
func function(lines []string, at int) string {
	least := indent(lines[at-1])
	for n := at - 1; n >= 1 && least > 0; n-- {
		s := lines[n-1]
		if strings.TrimSpace(s) == "" || indent(s) >= least {
			continue
		}
		if m := within.FindStringSubmatch(s); m != nil {
			return m[2]
		}
		if c := strings.TrimSpace(s)[0]; c != '#' && c != ')' && c != ']' && c != '}' {
			least = indent(s)
		}
	}
	return "<module>"
}

// window returns the lines around one.
func window(lines []string, at int) []SourceLine {
	var w []SourceLine
	last := min(len(lines), at+around)
	for last > at && strings.TrimSpace(lines[last-1]) == "" {
		last--
	}
	for n := max(1, at-around); n <= last; n++ {
		if len(w) > 0 || strings.TrimSpace(lines[n-1]) != "" {
			w = append(w, SourceLine{Number: n, Text: untrusted.Cut(strings.TrimRight(lines[n-1], " \t\f"), maxShown)})
		}
	}
	return w
}
