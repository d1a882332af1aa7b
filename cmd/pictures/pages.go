package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// page is a job summary that a test holds the program to.
type page struct {
	name    string // of the script, and of the file in it where that has several
	summary []byte // Markdown
}

var compared = regexp.MustCompile(`(?m)^cmp summary\.md (\S+)$`)

// pages are the job summaries of the scripts in a folder: internal/e2e holds what the
// program writes to them.
func pages(dir string) (all []page, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range compared.FindAllSubmatch(archive.Comment, -1) {
			for _, f := range archive.Files {
				if f.Name != string(m[1]) || !bytes.HasPrefix(f.Data, []byte("## ")) {
					continue
				}
				name := strings.TrimSuffix(filepath.Base(file), ".txtar")
				if f.Name != "summary.md.want" {
					name += "-" + strings.TrimSuffix(f.Name, ".md.want")
				}
				all = append(all, page{name, f.Data})
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no script in %s has a job summary", dir)
	}
	return all, nil
}
