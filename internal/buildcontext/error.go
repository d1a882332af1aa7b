package buildcontext

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/quantity"
)

// Names of the inputs that errors speak of.
const (
	inputContext    = "build-context"
	inputDockerfile = "dockerfile"
	inputExclude    = "build-exclude"
)

// Error is what keeps a context from being packed, and is the user's to set
// right.
type Error struct {
	Input string // whose value it is about: build-context, dockerfile or build-exclude; empty where File is
	File  string // the ignore file that it is in
	Line  int    // in File
	Text  string // what is wrong, and what to do

	// Folders are the ten largest of a context that is too large.
	Folders []Folder

	Err error // what the system said; nil where it was not asked
}

// Folder is a folder of the context, with the bytes that would be packed of it.
type Folder struct {
	Path  string // with slashes; "." for the files right in the context
	Bytes int64
}

func (e *Error) Error() string {
	text := e.sentence()
	for _, f := range e.Folders {
		text += fmt.Sprintf("\n  %10s  %q", quantity.Megabytes(f.Bytes), f.Path)
	}
	return text
}

// sentence is the error without the list of its folders.
func (e *Error) sentence() string {
	where := e.Input
	if e.File != "" {
		where = e.File
		if e.Line > 0 {
			where = fmt.Sprintf("%s:%d", e.File, e.Line)
		}
	}
	text := where + ": " + e.Text
	if len(e.Folders) > 0 {
		text += "; its largest folders:"
	}
	return text
}

// Unwrap returns what the system said.
func (e *Error) Unwrap() error { return e.Err }

// First is the first thing that an error of Pack says, and reports whether there is more:
// the folders of a context that is too large, or other errors, each of which begins
// another line.
func First(err error) (text string, more bool) {
	switch e := err.(type) {
	case *Error:
		return e.sentence(), len(e.Folders) > 0
	case interface{ Unwrap() []error }: // of errors.Join, which has at least one
		all := e.Unwrap()
		text, more = First(all[0])
		return text, more || len(all) > 1
	}
	return err.Error(), false
}

// tooLarge returns an error for a context that is larger than the platform accepts.
func (c *contents) tooLarge() error {
	if c.bytes <= MaxUnpacked {
		return nil
	}
	return &Error{
		Input: inputContext,
		Text: fmt.Sprintf("%s in %d files, and the platform accepts %s at most; leave out what the image does not need, by .dockerignore or %s",
			quantity.Megabytes(c.bytes), c.files, quantity.Megabytes(MaxUnpacked), inputExclude),
		Folders: c.largest(10),
	}
}

// largest returns the n largest folders, the largest first. A folder counts all
// that is below it, and is not listed where one of its folders has nine
// tenths of that.
func (c *contents) largest(n int) []Folder {
	sums := map[string]int64{}
	for _, e := range c.entries {
		dir := path.Dir(e.path)
		if e.size > 0 && dir == "." {
			sums["."] += e.size
		}
		for ; e.size > 0 && dir != "."; dir = path.Dir(dir) {
			sums[dir] += e.size
		}
	}
	most := map[string]int64{} // of a folder's own folders, the largest
	for dir, bytes := range sums {
		most[path.Dir(dir)] = max(most[path.Dir(dir)], bytes)
	}
	var all []Folder
	for dir, bytes := range sums {
		if dir == "." || float64(most[dir]) < 0.9*float64(bytes) {
			all = append(all, Folder{dir, bytes})
		}
	}
	slices.SortFunc(all, func(a, b Folder) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Path, b.Path))
	})
	return all[:min(n, len(all))]
}

// quoted lists names, and counts those beyond the tenth.
func quoted(names []string) string {
	const most = 10
	var b strings.Builder
	for i, name := range names[:min(most, len(names))] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.300q", name)
	}
	if len(names) > most {
		fmt.Fprintf(&b, " and %d more", len(names)-most)
	}
	return b.String()
}
