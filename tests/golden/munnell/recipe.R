# Fixed-effects models of the Munnell panel: maximum likelihood with dummies by spatialreg, least squares by plm.
# python tests/golden/cases.py FOLDER; cd tests/golden/munnell; Rscript recipe.R FOLDER > log.txt   (writes expected.json)
library(spdep); library(spatialreg); library(plm); library(jsonlite)
folder <- commandArgs(TRUE)[1]
d <- read.csv(file.path(folder, "munnell.csv"))
links <- read.csv(file.path(folder, "us_w.csv"))
w <- matrix(0, 48, 48); w[cbind(links$row, links$col) + 1] <- links$w
d <- d[order(d$t, d$id), ]                                   # years stacked, as I_T (x) W wants it
lw <- mat2listw(kronecker(diag(17), w), style = "W")
xs <- c("x1", "x2", "x3", "x4")

dummies <- function(effects, durbin = FALSE) {
  f <- as.formula(paste("y ~ x1 + x2 + x3 + x4 + factor(id)", if (effects == "twoways") "+ factor(t)"))
  m <- lagsarlm(f, d, lw, Durbin = if (durbin) ~ x1 + x2 + x3 + x4 else FALSE, method = "LU",
                control = list(tol.opt = 1e-13))
  print(c(m$rho, m$coefficients[xs], s2 = m$s2, logLik = m$LL))
  names <- if (durbin) c(xs, paste0("lag.", xs)) else xs
  b <- m$coefficients[xs]; theta <- if (durbin) m$coefficients[paste0("lag.", xs)] else 0 * b
  s <- solve(diag(48) - m$rho * w)
  direct <- b * mean(diag(s)) + theta * mean(diag(s %*% w))
  total <- (b + theta) / (1 - m$rho)
  list(rho = unname(m$rho), coef = as.list(m$coefficients[names]), se_rest = as.list(m$rest.se[names]),
       sigma2 = m$s2, logLik = c(m$LL),
       effects = list(direct = as.list(direct), indirect = as.list(total - direct), total = as.list(total)))
}
within <- function(effect) {
  m <- plm(y ~ x1 + x2 + x3 + x4, d, index = c("id", "t"), model = "within", effect = effect)
  print(summary(m)$coefficients)
  list(coef = as.list(coef(m)), se = as.list(sqrt(diag(vcov(m)))), ssr = sum(residuals(m)^2), df = df.residual(m))
}
write_json(list(
  program = paste(R.version.string, "spatialreg", packageVersion("spatialreg"), "plm", packageVersion("plm")),
  data = "cases.munnell()",
  expected = list(
    individual_ML = dummies("individual"), twoways_B_dummyML = dummies("twoways"),
    sdm_individual_ML = dummies("individual", durbin = TRUE),
    ols_within = list(individual = within("individual"), twoways = within("twoways")))),
  "expected.json", auto_unbox = TRUE, digits = NA, pretty = 1)
print(sessionInfo()$R.version$version.string); print(packageVersion("spatialreg")); print(packageVersion("plm"))
