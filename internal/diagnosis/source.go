package diagnosis

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/untrusted"
)

const (
	maxFrames  = 200     // read of a traceback, from the innermost
	maxEntries = 100_000 // of the workspace
	maxDepth   = 40      // of its folders
	maxSource  = 2 << 20 // bytes of a file
	nearby     = 50      // lines that a line may have moved by
	around     = 3       // lines shown on each side
	minShown   = 8       // bytes of a line that is searched for, and whose surroundings are shown
)

var (
	// sourceFile is a file that may be shown. A hostile text may name any file and guess
	// a line of it, so that one which is no source, such as .env, is not shown.
	sourceFile = re(`(?:^|/)[^./][^/]*\.(?:py|[mc]?[jt]s|[jt]sx)$`)
	// library is code that is not the user's: Python's own, what was installed, what has
	// no file.
	library = re(`/(?:site|dist)-packages/|/lib(?:64)?/python\d|/python\d+\.zip/|(?i:/python3\d+/lib/)|` +
		`/\.?venv/|/node_modules/|^node:|^/usr/(?:local/)?s?bin/|^<`)
	// baseImage are the files of Pipecat's base image, https://github.com/daily-co/pipecat-cloud-images.
	baseImage = re(`^/app/(?:app|waiting_server|pipecatcloud_system|feature_manager|shared_state|container_signal_check|pcc_\w+)\.py$`)
	// windowsPath begins with a drive, such as C:\, or a server.
	windowsPath = re(`^[A-Za-z]:[\\/]|^\\\\`)
	definition  = re(`^\s*(?:async\s+)?(?:def|class)\s+([\pL_][\pL\d_]*)`)
	word        = re(`[\pL\d_]{2}`)
	letter      = re(`\pL`)
)

// findPlace finds the innermost frame that is the user's own, in the workspace. It is
// nil in any doubt.
func findPlace(frames []frame, workspace fs.FS) *Place {
	var own []frame // from the innermost
	var names []string
	for _, f := range slices.Backward(frames[max(0, len(frames)-maxFrames):]) {
		if windowsPath().MatchString(f.file) {
			f.file = strings.ReplaceAll(f.file, `\`, "/")
		}
		if f.file = path.Clean(f.file); sourceFile().MatchString(f.file) && !library().MatchString(f.file) {
			own, names = append(own, f), append(names, path.Base(f.file))
		}
	}
	files := findFiles(workspace, names...)
	for _, f := range own {
		file, n := longestSuffix(f.file, files[path.Base(f.file)])
		if n == 0 {
			continue // not of this workspace
		}
		ofBase := baseImage().MatchString(f.file)
		if n == 1 && f.text != "" {
			lines := readSource(workspace, file)
			if at := findLine(lines, f, !ofBase); at > 0 {
				return newPlace(file, lines, at)
			}
		}
		if !ofBase {
			return nil
		}
	}
	return nil
}

// newPlace is a line that a text quotes. The lines around it are shown only where the
// quote is too long to be a guess.
func newPlace(file string, lines []string, at int) *Place {
	p := &Place{File: file, Line: at}
	if s := strings.TrimSpace(lines[at-1]); len(s) >= minShown && letter().MatchString(s) {
		p.Around = window(lines, at)
	}
	return p
}

var errTooLarge = errors.New("too large")

// findFiles returns the paths of the workspace's regular files that have one of the
// names, by name. Libraries, and files that may hold secrets, are left out. The map is
// nil for no workspace, and for one that is too large to search.
func findFiles(workspace fs.FS, names ...string) map[string][]string {
	if workspace == nil || len(names) == 0 {
		return nil
	}
	files := make(map[string][]string, len(names))
	for _, name := range names {
		files[name] = nil
	}
	entries := 0
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		f, err := workspace.Open(dir)
		if err != nil {
			return nil // as if it were empty
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
				name := e.Name()
				_, wanted := files[name]
				switch {
				case buildcontext.IsSecret(name): // even a folder, or one that is wanted
				case e.IsDir() && !slices.Contains(skipped, name):
					folders = append(folders, path.Join(dir, name))
				case name == "pyvenv.cfg" && dir != ".":
					return nil // a virtual environment
				case e.Type().IsRegular() && wanted:
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
	if walk(".", 0) != nil {
		return nil
	}
	return files
}

// skipped are folders that are not searched.
var skipped = []string{".git", ".hg", ".svn", "node_modules", "venv", ".venv", ".tox", ".nox", "__pycache__", "site-packages", "dist-packages"}

// longestSuffix returns the file that shares the longest end with a path, and how many
// share as much.
func longestSuffix(name string, files []string) (file string, n int) {
	most := 0
	for _, f := range files {
		switch m := commonSuffix(name, f); {
		case m > most:
			file, n, most = f, 1, m
		case m == most:
			n++
		}
	}
	return file, n
}

// commonSuffix counts the elements that two paths share at their ends.
func commonSuffix(a, b string) (n int) {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	for n < min(len(x), len(y)) && x[len(x)-1-n] == y[len(y)-1-n] {
		n++
	}
	return n
}

// readSource returns the lines of a file as Python reads them: with line ends of any
// kind, and without a byte order mark. What is not UTF-8 is read as Latin-1. There is at
// least one line, but none of a file that cannot be read or is too large.
func readSource(workspace fs.FS, file string) []string {
	text, ok := readText(workspace, file)
	if !ok {
		return nil
	}
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

// readText returns a file's text with the line ends that it has; !ok where it cannot be
// read.
func readText(workspace fs.FS, file string) (text string, ok bool) {
	f, err := workspace.Open(file)
	if err != nil {
		return "", false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err != nil || len(data) > maxSource {
		return "", false
	}
	text = string(data)
	if !utf8.ValidString(text) {
		runes := make([]rune, len(data))
		for i, c := range data {
			runes[i] = rune(c)
		}
		text = string(runes)
	}
	return strings.TrimPrefix(text, "\ufeff"), true
}

// begins reports whether a file can be read and begins with a prefix of one line.
func begins(workspace fs.FS, file, prefix string) bool {
	lines := readSource(workspace, file)
	return len(lines) > 0 && strings.HasPrefix(lines[0], prefix)
}

// findLine returns the number of the line that has a frame's text: the frame's own, or
// where it may have moved, the only one nearby that has it, in the same function. 0 for
// none.
func findLine(lines []string, f frame, mayMove bool) int {
	says := func(n int) bool { return n >= 1 && n <= len(lines) && strings.TrimSpace(lines[n-1]) == f.text }
	if says(f.line) {
		return f.line
	}
	if !mayMove || len(f.text) < minShown || !word().MatchString(f.text) {
		return 0
	}
	at := onlyLine(f.line-nearby, f.line+nearby, says)
	in := f.in[strings.LastIndexByte(f.in, '.')+1:]
	if at > 0 && in != "" && (in == "<module>" || in[0] != '<') && enclosing(lines, at) != in {
		return 0
	}
	return at
}

// onlyLine is the only number of a range for which is reports true; 0 for none and for
// several.
func onlyLine(from, to int, is func(n int) bool) (only int) {
	for n := from; n <= to; n++ {
		if is(n) {
			if only > 0 {
				return 0
			}
			only = n
		}
	}
	return only
}

// enclosing names what a line is in as a traceback does: the function or class, or
// <module>.
func enclosing(lines []string, at int) string {
	least := indent(lines[at-1])
	for n := at - 1; n >= 1 && least > 0; n-- {
		s := lines[n-1]
		if strings.TrimSpace(s) == "" || indent(s) >= least {
			continue
		}
		if m := definition().FindStringSubmatch(s); m != nil {
			return m[1]
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
