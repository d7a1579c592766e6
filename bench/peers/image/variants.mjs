// What every contender makes: the standard plan (`shared::image::ImagePlan::standard`).
export const variants = [
  { name: "large", width: 1200, height: 1200, fit: "inside", quality: 80 },
  { name: "medium", width: 600, height: 600, fit: "inside", quality: 80 },
  { name: "preview", width: 320, height: 240, fit: "cover", quality: 80 },
  { name: "thumbnail", width: 150, height: 150, fit: "inside", quality: 80 },
];
