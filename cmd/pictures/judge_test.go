package main

import (
	"math"
	"testing"
)

func TestContrast(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		behind     []string
		opacity    float64
		want       float64 // as other calculators have it
	}{
		{"black on white", "rgb(0, 0, 0)", []string{"rgb(255, 255, 255)"}, 1, 21},
		{"white on black", "rgb(255, 255, 255)", []string{"rgb(0, 0, 0)"}, 1, 21},
		{"just enough", "rgb(118, 118, 118)", []string{"rgb(255, 255, 255)"}, 1, 4.54},
		{"just too little", "rgb(119, 119, 119)", []string{"rgb(255, 255, 255)"}, 1, 4.48},
		{"nothing behind it", "rgb(0, 0, 0)", nil, 1, 21},
		{"what is behind shows through", "rgb(0, 0, 0)", []string{"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}, 1, 21},
		{"half a background", "rgb(0, 0, 0)", []string{"rgba(0, 0, 0, 0.5)", "rgb(255, 255, 255)"}, 1, 5.28},
		{"half a color", "rgba(0, 0, 0, 0.5)", []string{"rgb(255, 255, 255)"}, 1, 3.98},
		{"half opaque", "rgb(0, 0, 0)", []string{"rgb(255, 255, 255)"}, 0.5, 3.98},
		{"GitHub's quotes in the light", "rgb(89, 99, 110)", []string{"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}, 1, 6.11},
		{"GitHub's quotes in the dark", "rgb(145, 152, 161)", []string{"rgb(13, 17, 23)"}, 1, 6.50},
	} {
		got, err := contrast(tt.text, tt.behind, tt.opacity)
		if err != nil || math.Abs(got-tt.want) > 0.005 {
			t.Errorf("%s: %.3f, %v; want %.2f", tt.name, got, err, tt.want)
		}
	}
	for _, unknown := range []string{"", "red", "color(srgb 1 0 0)", "rgb(1, 2)"} {
		if got, err := contrast(unknown, nil, 1); err == nil {
			t.Errorf("%q: %v, want an error", unknown, got)
		}
	}
}
