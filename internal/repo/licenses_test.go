package repo

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mozilla are the modules under the Mozilla Public License: it asks for the source
// of their own files only, which the module proxy has, as they are unchanged.
var mozilla = map[string]bool{"github.com/hashicorp/go-cleanhttp": true, "github.com/hashicorp/go-retryablehttp": true}

// TestLicenses holds that what the program and its tests are made of may be used
// and passed on freely.
func TestLicenses(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-test", "-f", "{{with .Module}}{{.Path}} {{.Dir}}{{end}}", "./...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		module, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if module == "" || seen[module] {
			continue
		}
		seen[module] = true
		text, err := os.ReadFile(filepath.Join(dir, "LICENSE"))
		if errors.Is(err, fs.ErrNotExist) {
			text, err = os.ReadFile(filepath.Join(dir, "LICENSE.txt"))
		}
		if err != nil {
			t.Errorf("%s: %v", module, err)
			continue
		}
		if license := licenseOf(string(text)); license == "" || license == "MPL-2.0" && !mozilla[module] {
			t.Errorf("%s: license %q is none of MIT, ISC, BSD, Apache-2.0", module, license)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d modules", len(seen))
	}
}

// licenseOf names a license by how its text begins; empty: another.
func licenseOf(text string) string {
	text = strings.Join(strings.Fields(text[:min(len(text), 1000)]), " ")
	for _, l := range []struct{ name, says string }{
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted"},
		{"BSD", "Redistribution and use in source and binary forms, with or without modification, are permitted"},
		{"Apache-2.0", "Apache License Version 2.0, January 2004"},
		{"MPL-2.0", "Mozilla Public License, version 2.0"},
	} {
		if strings.Contains(text, l.says) {
			return l.name
		}
	}
	return ""
}
