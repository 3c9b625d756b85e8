/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the table, named after what they do in PromQL. Private to promql/. */
#ifndef BUSBAR_PROMQL_FUNCTIONS_PRIVATE_H
#define BUSBAR_PROMQL_FUNCTIONS_PRIVATE_H

#include "promql/eval.h"

/* --- functions_map.c, functions_date.c --- */
double promql_map_abs(double value, const double *args);
double promql_map_acos(double value, const double *args);
double promql_map_acosh(double value, const double *args);
double promql_map_asin(double value, const double *args);
double promql_map_asinh(double value, const double *args);
double promql_map_atan(double value, const double *args);
double promql_map_atanh(double value, const double *args);
double promql_map_ceil(double value, const double *args);
double promql_map_clamp(double value, const double *args);
double promql_map_clamp_max(double value, const double *args);
double promql_map_clamp_min(double value, const double *args);
double promql_map_cos(double value, const double *args);
double promql_map_cosh(double value, const double *args);
double promql_map_day_of_month(double value, const double *args);
double promql_map_day_of_week(double value, const double *args);
double promql_map_day_of_year(double value, const double *args);
double promql_map_days_in_month(double value, const double *args);
double promql_map_deg(double value, const double *args);
double promql_map_exp(double value, const double *args);
double promql_map_floor(double value, const double *args);
double promql_map_hour(double value, const double *args);
double promql_map_ln(double value, const double *args);
double promql_map_log10(double value, const double *args);
double promql_map_log2(double value, const double *args);
double promql_map_minute(double value, const double *args);
double promql_map_month(double value, const double *args);
double promql_map_rad(double value, const double *args);
double promql_map_round(double value, const double *args);
double promql_map_sgn(double value, const double *args);
double promql_map_sin(double value, const double *args);
double promql_map_sinh(double value, const double *args);
double promql_map_sqrt(double value, const double *args);
double promql_map_tan(double value, const double *args);
double promql_map_tanh(double value, const double *args);
double promql_map_year(double value, const double *args);

/* --- functions_window.c, functions_rate.c --- */
bool promql_window_avg_over_time(const struct promql_window *window, double *out);
bool promql_window_changes(const struct promql_window *window, double *out);
bool promql_window_count_over_time(const struct promql_window *window, double *out);
bool promql_window_delta(const struct promql_window *window, double *out);
bool promql_window_deriv(const struct promql_window *window, double *out);
bool promql_window_double_exponential_smoothing(const struct promql_window *window, double *out);
bool promql_window_idelta(const struct promql_window *window, double *out);
bool promql_window_increase(const struct promql_window *window, double *out);
bool promql_window_irate(const struct promql_window *window, double *out);
bool promql_window_last_over_time(const struct promql_window *window, double *out);
bool promql_window_mad_over_time(const struct promql_window *window, double *out);
bool promql_window_max_over_time(const struct promql_window *window, double *out);
bool promql_window_min_over_time(const struct promql_window *window, double *out);
bool promql_window_predict_linear(const struct promql_window *window, double *out);
bool promql_window_present_over_time(const struct promql_window *window, double *out);
bool promql_window_quantile_over_time(const struct promql_window *window, double *out);
bool promql_window_rate(const struct promql_window *window, double *out);
bool promql_window_resets(const struct promql_window *window, double *out);
bool promql_window_stddev_over_time(const struct promql_window *window, double *out);
bool promql_window_stdvar_over_time(const struct promql_window *window, double *out);
bool promql_window_sum_over_time(const struct promql_window *window, double *out);
bool promql_window_ts_of_last_over_time(const struct promql_window *window, double *out);
bool promql_window_ts_of_max_over_time(const struct promql_window *window, double *out);
bool promql_window_ts_of_min_over_time(const struct promql_window *window, double *out);

/* --- functions_special.c, functions_label.c, functions_histogram.c, functions_info.c --- */
int promql_special_absent(struct promql_eval *eval, const struct promql_node *call,
                          struct promql_matrix *out);
int promql_special_absent_over_time(struct promql_eval *eval, const struct promql_node *call,
                                    struct promql_matrix *out);
int promql_special_native_histogram(struct promql_eval *eval, const struct promql_node *call,
                                    struct promql_matrix *out);
int promql_special_histogram_fraction(struct promql_eval *eval, const struct promql_node *call,
                                      struct promql_matrix *out);
int promql_special_histogram_quantile(struct promql_eval *eval, const struct promql_node *call,
                                      struct promql_matrix *out);
int promql_special_info(struct promql_eval *eval, const struct promql_node *call,
                        struct promql_matrix *out);
int promql_special_label_join(struct promql_eval *eval, const struct promql_node *call,
                              struct promql_matrix *out);
int promql_special_label_replace(struct promql_eval *eval, const struct promql_node *call,
                                 struct promql_matrix *out);
int promql_special_pi(struct promql_eval *eval, const struct promql_node *call,
                      struct promql_matrix *out);
int promql_special_scalar(struct promql_eval *eval, const struct promql_node *call,
                          struct promql_matrix *out);
int promql_special_sort(struct promql_eval *eval, const struct promql_node *call,
                        struct promql_matrix *out);
int promql_special_sort_by_label(struct promql_eval *eval, const struct promql_node *call,
                                 struct promql_matrix *out);
int promql_special_sort_by_label_desc(struct promql_eval *eval, const struct promql_node *call,
                                      struct promql_matrix *out);
int promql_special_sort_desc(struct promql_eval *eval, const struct promql_node *call,
                             struct promql_matrix *out);
int promql_special_time(struct promql_eval *eval, const struct promql_node *call,
                        struct promql_matrix *out);
int promql_special_timestamp(struct promql_eval *eval, const struct promql_node *call,
                             struct promql_matrix *out);
int promql_special_vector(struct promql_eval *eval, const struct promql_node *call,
                          struct promql_matrix *out);

#endif
