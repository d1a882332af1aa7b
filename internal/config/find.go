package config

import (
	"errors"
	"fmt"
	"io/fs"
	slashpath "path"
	"path/filepath"
	"slices"
	"strings"
)

// How far config files are looked for, when one is missing.
const (
	findDepth   = 4
	findEntries = 20_000
	findFiles   = 5
)

// elsewhere says where in the workspace config files are, for a person whose job
// found none, and whether there are any; it ends a sentence. The folder is the one that
// was looked in.
func elsewhere(workspace, dir string) (text string, found bool) {
	files, empty := configFiles(workspace)
	switch {
	case empty:
		return ", and the workspace is empty; does actions/checkout run before this step?", false
	case len(files) == 0:
		return ", and no config file anywhere in the workspace; does actions/checkout run before this step?", false
	case len(files) == 1 && slashpath.Base(files[0]) == defaultFile && slashpath.Dir(files[0]) != slashpath.Clean(filepath.ToSlash(dir)):
		return fmt.Sprintf("; %s is there: set working-directory: %s", files[0], slashpath.Dir(files[0])), true
	}
	return "; these are there: " + strings.Join(files, ", ") + " (config-file names one, working-directory its folder)", true
}

// configFiles finds the config files of a workspace, by their names, and says
// whether nothing at all is in it.
func configFiles(workspace string) (found []string, empty bool) {
	root, entries := workspace, 0
	if root == "" {
		root = "."
	}
	stop := errors.New("enough")
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, name)
		if err != nil || relErr != nil || rel == "." {
			return nil
		}
		rel = filepath.ToSlash(rel)
		if entries++; entries > findEntries || len(found) == findFiles {
			return stop
		}
		if d.IsDir() {
			if skipped(d.Name()) || strings.Count(rel, "/") >= findDepth {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(rel, ".toml") && strings.Contains(slashpath.Base(rel), "pcc-deploy") {
			found = append(found, rel)
		}
		return nil
	})
	slices.Sort(found)
	return found, entries == 0
}

// skipped reports whether nobody has config files in a folder of that name.
func skipped(folder string) bool {
	return strings.HasPrefix(folder, ".") || slices.Contains([]string{"node_modules", "venv", "__pycache__", "site-packages"}, folder)
}
